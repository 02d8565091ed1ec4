"""tinygrad.Tensor: every sampler and initialiser, with what the documentation, or the page it links to, promises."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.seeds import streams
from varlaw.subjects.subject import Case, Sampler, Tensor
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED, bits, host, kept, measure_fans, seeded
from varlaw.subjects.tinygrad.layers import build_conv


def _build(case: Case) -> Any:
    """The real layer whose weight an initialiser fills: `case["layer"]` names it."""
    import tinygrad.nn

    if case["layer"] == "linear":
        return tinygrad.nn.Linear(case["in_channels"], case["out_channels"])
    name = "ConvTranspose" if "transpose" in case["layer"] else "Conv"
    dims = int(case["layer"][-2])
    kernel = (case["kernel_size"],) * dims  # Conv2d is the class of every dimension
    return build_conv(f"{name}{min(dims, 2)}d")({**case, "kernel_size": kernel if dims == 3 else case["kernel_size"]})


@functools.cache
def _stored(items: tuple[tuple[str, Any], ...]) -> tuple[int, ...]:
    return tuple(int(n) for n in _build(dict(items)).weight.shape)


def _weight_shape(case: Case) -> tuple[int, ...]:
    return _stored(tuple(sorted(case.items())))


@functools.cache
def _measures(dims: int) -> Any:
    return measure_fans(_build, dims, lambda c: [c["in_channels"]])


def _measure(case: Case) -> tuple[float, float]:
    dims = 0 if case["layer"] == "linear" else int(case["layer"][-2])
    return _measures(dims)(case)  # type: ignore[no-any-return]


def _sampler(
    name: str, documented: str, arguments: Callable[[Case], dict[str, Any]] = lambda c: {}, op: str = "shape",
    claims: Mapping[str, str] | None = None,
) -> Sampler:  # fmt: skip
    """A class method of Tensor that makes a tensor of a shape."""

    def draw(case: Case, dtype: str) -> Mapping[str, Any]:
        from tinygrad import Tensor, dtypes

        shape = case["shape"] if "shape" in case else _weight_shape(case)
        return {"": getattr(Tensor, name)(*shape, dtype=getattr(dtypes, dtype), **arguments(case))}

    filled = op.startswith("fill")
    return Sampler(
        name=f"tinygrad.Tensor.{name}",
        framework=TINYGRAD,
        op=op,
        tensors=(Tensor(name="", documented=documented, claims=claims or {}),),
        draws=seeded(draw),
        shape=_weight_shape if filled else lambda c: tuple(c["shape"]),
        measure=_measure if filled else None,
        unsupported=UNSUPPORTED,
    )


def _randn_like() -> Sampler:
    def draw(case: Case, dtype: str) -> Mapping[str, Any]:
        from tinygrad import Tensor, dtypes

        return {"": Tensor.empty(*case["shape"], dtype=getattr(dtypes, dtype)).randn_like()}

    return Sampler(
        name="tinygrad.Tensor.randn_like",
        framework=TINYGRAD,
        op="shape",
        tensors=(Tensor(name="", documented="Normal(1)"),),
        draws=seeded(draw),
        shape=lambda c: tuple(c["shape"]),
        unsupported=UNSUPPORTED,
    )


_LEAKY = "sqrt(2/(1 + 0.01**2))"  # the signature's a = 0.01


def _kaiming(name: str, law: str) -> Sampler:
    true = {"init.true_fan": f"{law}(fan_in, {_LEAKY})"}
    return _sampler(name, f"{law}(shape_fan_in, {_LEAKY})", op="fill_transposed", claims=true)


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    from tinygrad import Tensor

    Tensor.manual_seed(seed)
    return host(bits(Tensor.uniform(*case["shape"], low=-1.0, high=1.0)))


INITIALISERS: tuple[Sampler, ...] = (
    _sampler("randn", "Normal(1)"),
    _randn_like(),
    _sampler("normal", "Normal(scale)", lambda c: {"std": c["scale"]}),
    _sampler("uniform", "Uniform(scale)", lambda c: {"low": -c["scale"], "high": c["scale"]}),
    _sampler("scaled_uniform", "Uniform(1/sqrt(shape[0]*shape[1]))", op="matrix"),
    _sampler(
        "glorot_uniform",
        "glorot_uniform(shape_fan_in, shape_fan_out)",
        op="fill",
        claims={"init.true_fan": "glorot_uniform(fan_in, fan_out)"},
    ),
    _kaiming("kaiming_uniform", "he_uniform"),
    _kaiming("kaiming_normal", "he_normal"),
    replace(streams(TINYGRAD, "tinygrad.Tensor.uniform(seeds)", _of_seed, kept, "Uniform(1)"), unsupported=UNSUPPORTED),
)
