"""varlaw's own functions, on NumPy and on torch: one table, put to the test like any other."""

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from varlaw.subjects.arguments import fixed
from varlaw.subjects.rows import drawn
from varlaw.subjects.subject import Adapter, Case, Clipper, Floats, Framework, Norm, Sampler, Subject


@functools.cache
def version() -> str:
    """varlaw's own, read once: every verdict says it."""
    return metadata.version("varlaw")


@dataclass(frozen=True)
class Backend:
    """Where our functions live for one array library, and how arrays get in and out of it."""

    framework: Framework
    module: str
    array: Callable[[Floats, str, str], Any]
    floats: Callable[[Any], Floats]
    generator: Callable[[int, str], Any]
    place: Callable[[str], dict[str, Any]]  # device -> keyword arguments
    measure: Callable[[Case], tuple[float, float]] | None = None

    def function(self, name: str) -> Any:
        """Our public function, looked up at the moment of the call."""
        return getattr(importlib.import_module(self.module), name)


def table(backend: Backend) -> tuple[Subject, ...]:
    """Every row for one backend."""
    return (*_samplers(backend), *_norms(backend), *_clippers(backend), _lora(backend))


# -- initialisers ------------------------------------------------------------------------------------------------------


def weight_shape(case: Case) -> tuple[int, ...]:
    """The weight of `case["layer"]` in our layouts: (out, in/groups, *taps), transposed (in, out/groups, *taps)."""
    inputs, outputs, groups, layer = case["in_channels"], case["out_channels"], case["groups"], case["layer"]
    if layer == "linear":
        return (outputs, inputs)
    taps = (case["kernel_size"],) * int(layer[-2])
    return (inputs, outputs // groups, *taps) if "transpose" in layer else (outputs, inputs // groups, *taps)


def _sampler(
    backend: Backend,
    name: str,
    op: str,
    documented: str,
    arguments: Callable[[Case], Any],
    label: str = "",
    **rest: Any,
) -> Sampler:
    """`arguments(case)` gives the positional arguments after the shape, or a mapping of keywords."""
    layered = op.startswith("fill")
    shape = weight_shape if layered else lambda c: tuple(c["shape"])

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        given = arguments(case)
        positional, keywords = ((), dict(given)) if isinstance(given, Mapping) else (given, {})
        keywords |= {"dtype": dtype, **backend.place(device)}
        if name not in ("constant", "zeros", "identity", "dirac"):
            keywords["seed"] = backend.generator(seed, device)
        for _ in range(count):
            yield {"": backend.function(name)(shape(case), *positional, **keywords)}

    return drawn(
        backend.framework,
        f"{backend.framework.name}.{name}{label}",
        op,
        draws,
        {"": documented},
        layouts={"": "torch.{layer}"} if layered else {},
        shape=shape,
        measure=backend.measure if layered else None,
        **rest,
    )


_OUR_LAYOUTS = {"linear": "dense", "conv_transpose1d": "conv_transpose", "conv_transpose2d": "conv_transpose"}


def _layout(case: Case) -> dict[str, Any]:
    layout = _OUR_LAYOUTS.get(case["layer"], "conv")
    mode = {"mode": case["mode"]} if "mode" in case else {}
    return {"layout": layout, "groups": case["groups"], "stride": case["stride"], **mode}


def _truncated(case: Case) -> dict[str, Any]:
    return {"std": case["scale"], "low": -2.0, "high": 2.0, "std_of": "parent", "bounds": "sigmas"}


_SAMPLERS: tuple[tuple[str, str, str, Callable[[Case], Any]], ...] = (
    ("uniform", "shape", "Uniform(scale)", lambda c: (c["scale"],)),
    ("normal", "shape", "Normal(scale)", lambda c: (c["scale"],)),
    ("truncated_normal", "shape", "TruncatedNormal(scale, -2, 2)", _truncated),
    ("zeros", "shape", "Constant(0)", lambda c: ()),
    ("constant", "shape", "Constant(scale)", lambda c: (c["scale"],)),
    ("orthogonal", "matrix", "Orthogonal(scale)", lambda c: (c["scale"],)),
    ("residual_scaled", "shape", "residual_scaled(scale, 12)", lambda c: (c["scale"], 12)),
    ("glorot_uniform", "fill", "glorot_uniform(fan_in, fan_out)", _layout),
    ("glorot_normal", "fill", "glorot_normal(fan_in, fan_out)", _layout),
    ("he_uniform", "fill_mode", "he_uniform(fan(mode))", _layout),
    ("he_normal", "fill_mode", "he_normal(fan(mode))", _layout),
    ("lecun_uniform", "fill_mode", "lecun_uniform(fan(mode))", _layout),
    ("lecun_normal", "fill_mode", "lecun_normal(fan(mode))", _layout),
)


def _absolute(case: Case) -> dict[str, Any]:
    ends = {name: case[name] * case["std"] for name in ("low", "high")}
    return {"std": case["std"], **ends, "std_of": "parent", "bounds": "absolute"}


def _corrected(case: Case) -> dict[str, Any]:
    return {"std": case["std"], "low": case["low"], "high": case["high"], "std_of": "result", "bounds": "sigmas"}


def _scaling(distribution: str) -> Callable[[Case], dict[str, Any]]:
    return lambda case: {"scale": case["scale"], "distribution": distribution, **_layout(case)}


def _gained(case: Case) -> dict[str, Any]:
    return {"gain": case["gain"], **_layout(case)}


_SCALED = "variance_scaling(scale, fan(mode), '{}')"
_DISTRIBUTIONS = ("normal", "uniform", "truncated_normal")
_RESULT = "TruncatedNormal(std/TruncatedNormal(1, low, high).std, low, high)"
# Every documented argument, with its extremes: name, what of it, op, law, arguments.
_ARGUMENTS: tuple[tuple[str, str, str, str, Callable[[Case], Any]], ...] = (
    ("truncated_normal", "(low, high)", "draw_truncated", "TruncatedNormal(std, low, high)", _absolute),
    ("truncated_normal", "(std_of='result')", "draw_truncated", _RESULT, _corrected),
    ("constant", "(value)", "draw_constant", "Constant(value)", lambda c: (c["value"],)),
    ("sparse", "", "draw_sparse", "SparseNormal(std, sparsity)", lambda c: (c["std"], c["sparsity"])),
    ("identity", "", "draw_identity", "Identity(gain)", lambda c: (c["gain"],)),
    ("dirac", "", "dirac", "Dirac(groups)", lambda c: {"groups": c["groups"]}),
    ("orthogonal", "(gain)", "draw_orthogonal", "Orthogonal(gain)", lambda c: (c["gain"],)),
    ("glorot_uniform", "(gain)", "fill_gain", "glorot_uniform(fan_in, fan_out, gain)", _gained),
    ("he_normal", "(gain)", "fill_gain", "he_normal(fan_in, gain)", _gained),
    *(("variance_scaling", f"({d})", "fill_scaled", _SCALED.format(d), _scaling(d)) for d in _DISTRIBUTIONS),
)


def _odd(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """Kernels that have a centre: others are refused."""
    return [case for case in usual if all(side % 2 for side in case["shape"][2:])]


_ASKED = {"draw_truncated": fixed(mean=0.0), "dirac": _odd}


def _samplers(backend: Backend) -> Iterator[Sampler]:
    yield from (_sampler(backend, *row) for row in _SAMPLERS)
    for name, label, op, law, arguments in _ARGUMENTS:
        yield _sampler(backend, name, op, law, arguments, label, cases=_ASKED.get(op), dtypes=("float32",))


# -- norms and clipping ------------------------------------------------------------------------------------------------


def _norm(backend: Backend, op: str, call: Callable[[Any, Any, Case], Any]) -> Norm:
    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        y = call(backend.function(op), backend.array(x, dtype, device), case)
        return {"output": backend.floats(y)}

    return Norm(
        name=f"{backend.framework.name}.{op}", framework=backend.framework, op=op, apply=apply, exact_constant=True
    )


def _batch_norm(backend: Backend) -> Norm:
    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        wide = dtype if dtype == "float64" else "float32"
        mean, var = (backend.array(np.full(x.shape[1], v), wide, device) for v in (0.0, 1.0))
        keywords = {"momentum": case["momentum"], "eps": case["eps"]}
        y = backend.function("batch_norm")(backend.array(x, dtype, device), mean, var, **keywords)
        return {"output": backend.floats(y), "running_mean": backend.floats(mean), "running_var": backend.floats(var)}

    name = f"{backend.framework.name}.batch_norm"
    return Norm(name=name, framework=backend.framework, op="batch_norm", apply=apply, exact_constant=True)


def _norms(backend: Backend) -> Iterator[Norm]:
    yield _norm(backend, "layer_norm", lambda f, x, c: f(x, eps=c["eps"]))
    yield _norm(backend, "rms_norm", lambda f, x, c: f(x, eps=c["eps"]))
    yield _norm(backend, "group_norm", lambda f, x, c: f(x, c["groups"], eps=c["eps"]))
    yield _norm(backend, "instance_norm", lambda f, x, c: f(x, eps=c["eps"]))
    yield _batch_norm(backend)


def _clipper(backend: Backend, name: str, op: str) -> Clipper:
    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        made = {id(g): backend.array(g, dtype, device) for g in grads}  # an array given twice stays one array
        result = backend.function(name)([made[id(g)] for g in grads], limit)
        clipped, norm = result if op == "clip_norm" else (result, None)
        return [backend.floats(g) for g in clipped], None if norm is None else float(norm)

    return Clipper(name=f"{backend.framework.name}.{name}", framework=backend.framework, op=op, apply=apply)


def _clippers(backend: Backend) -> Iterator[Clipper]:
    yield _clipper(backend, "clip_by_global_norm", "clip_norm")
    yield _clipper(backend, "clip_by_value", "clip_value")


# -- adapters ----------------------------------------------------------------------------------------------------------


def _lora(backend: Backend) -> Adapter:
    """W x against W x + (alpha / rank) B A x, with A and B as our function starts them."""

    def apply(case: Case, dtype: str, device: str, seed: int) -> tuple[Floats, Floats]:
        outputs, inputs = case["out_features"], case["in_features"]
        rng, keywords = np.random.default_rng(seed), {"dtype": dtype, **backend.place(device)}
        w, x = (backend.array(rng.standard_normal(s), dtype, device) for s in ((outputs, inputs), (inputs, 16)))
        generator = backend.generator(seed, device)
        a, b = backend.function("lora")((outputs, inputs), case["rank"], seed=generator, **keywords)
        without = w @ x
        return backend.floats(without), backend.floats(without + (b @ (a @ x)) * (case["alpha"] / case["rank"]))

    return Adapter(name=f"{backend.framework.name}.lora", framework=backend.framework, op="adapter", apply=apply)
