"""paddle.nn.initializer and the samplers under paddle: every one of them, with what the documentation promises."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, host, nn, top
from varlaw.subjects.paddle.layers import NN
from varlaw.subjects.rows import TORCH_GAINS, sampler
from varlaw.subjects.seeds import of_one, streams, taller
from varlaw.subjects.subject import Case, Gain, Sampler

NO_QR = dict.fromkeys(("float16", "bfloat16"), "the kernel `qr` is not registered on the CPU for 16-bit numbers")
NO_TRUNCATED = {"float16": "the kernel `truncated_gaussian_random` is not registered on the CPU for float16"}
IN_FLOAT32 = dict.fromkeys(("float64", "float16", "bfloat16"), "it draws in the default dtype, float32")

_STACK = ("stack", "inputs", "outputs")


def _by_role(case: Case) -> tuple[int, ...]:
    """Paddle reads a matrix as (in, out) and anything longer as (out, in, taps...): the latter is the order here."""
    shape = NN.shape(case)
    return shape[::-1] if len(shape) == 2 else shape


def _sampler(
    name: str, op: str, documented: str, draw: Callable[[Case, str], Any], claims: Mapping[str, str] | None = None,
    unsupported: Mapping[str, str] | None = None, **rest: Any,
) -> Sampler:  # fmt: skip
    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        return {"": draw(case, dtype)}

    return sampler(
        PADDLE,
        name,
        op,
        build,
        {"": documented},
        claims={"": claims or {}},
        unsupported=unsupported or {},
        **NN.filled(op, _by_role),
        **rest,
    )


def initialiser(
    name: str,
    op: str,
    documented: str,
    arguments: Callable[[Case], dict[str, Any]],
    *,
    label: str = "",
    after: Callable[[Any], Any] = lambda w: w,
    **more: Any,
) -> Sampler:
    """`arguments(case)` are those of the initialiser, with which a parameter is created."""

    def draw(case: Case, dtype: str) -> Any:
        shape = NN.shape(case) if "layer" in case else case.get("shape") or [case[n] for n in _STACK]
        initialise = getattr(nn().initializer, name)(**arguments(case))
        return after(top("create_parameter")(list(shape), dtype=dtype, default_initializer=initialise))

    return _sampler(f"paddle.nn.initializer.{name}{label}", op, documented, draw, **more)


def _xavier(name: str, law: str) -> Sampler:
    true = {"init.true_fan": f"{law}(fan_in, fan_out)"}
    return initialiser(name, "fill", f"{law}(shape_fan_in, shape_fan_out)", lambda c: {}, claims=true)


def _kaiming(name: str, law: str) -> Sampler:
    true = {"init.true_fan": f"{law}(fan(mode))"}
    return initialiser(name, "fill_mode", f"{law}(shape_fan(mode))", lambda c: {"mode": c["mode"]}, claims=true)


def _bilinear() -> Sampler:
    """Documented for upsampling by interpolation, which gives 1 wherever the input is 1."""

    def draw(case: Case, dtype: str) -> Any:
        factor = 2
        attributes = {"weight_attr": nn().initializer.Bilinear(), "bias_attr": False}
        taps = 2 * factor - factor % 2
        layer = nn().Conv2DTranspose(1, 1, taps, stride=factor, padding=1, **attributes)
        wide = [side + 2 for side in case["shape"]]  # what the border reaches is cut off again
        return layer(top("ones")([1, 1, *wide], dtype=dtype))[:, :, 2:-2, 2:-2]

    float32 = dict.fromkeys(("float64", "float16", "bfloat16"), "Bilinear creates float32 weights, whatever the dtype")
    return _sampler("paddle.nn.initializer.Bilinear", "square", _ONE, draw, unsupported=float32)


def drawn(
    name: str,
    documented: str,
    call: Callable[[Case], dict[str, Any]],
    *,
    op: str = "shape",
    label: str = "",
    **more: Any,
) -> Sampler:
    """A function under paddle that makes a tensor of a shape."""

    def draw(case: Case, dtype: str) -> Any:
        kind = {} if name == "normal" else {"dtype": dtype}
        return top(name)(shape=list(case["shape"]), **kind, **call(case))

    return _sampler(f"paddle.{name}{label}", op, documented, draw, **more)


def _randn_like() -> Sampler:
    def draw(case: Case, dtype: str) -> Any:
        return top("randn_like")(top("zeros")(list(case["shape"]), dtype=dtype))

    return _sampler("paddle.randn_like", "shape", "Normal(1)", draw)


def _weight_norm() -> Sampler:
    """What `paddle.nn.utils.weight_norm` leaves of a layer's weight: the same numbers, in two factors."""

    def draw(case: Case, dtype: str) -> Any:
        layer = nn().Linear(case["in_features"], case["out_features"])
        return nn().utils.weight_norm(layer).weight

    law = "glorot_uniform(in_features, out_features)"
    return _sampler("paddle.nn.utils.weight_norm", "linear", law, draw, unsupported=NO_HALF_KERNEL)


def _in_place(name: str, documented: str, call: Callable[[Case], dict[str, Any]], **more: Any) -> Sampler:
    """A method of a tensor that fills it."""

    def draw(case: Case, dtype: str) -> Any:
        return getattr(top("zeros")(list(case["shape"]), dtype=dtype), name)(**call(case))

    return _sampler(f"paddle.Tensor.{name}", "shape", documented, draw, **more)


_ONE = "Constant(1)"


def _unit(case: Case) -> dict[str, Any]:
    return {}


def _std(case: Case) -> dict[str, Any]:
    return {"mean": 0.0, "std": case["scale"]}


def _ends(case: Case) -> dict[str, Any]:
    return {"min": -case["scale"], "max": case["scale"]}


def _cut(case: Case) -> dict[str, Any]:
    """Cut-offs are absolute: with a small std the defaults (-2, 2) lie far outside the law, so they are scaled here."""
    return {"std": case["scale"], "a": -2 * case["scale"], "b": 2 * case["scale"]}


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    top("seed")(seed)
    return host(top("randn")(list(case["shape"]), dtype=dtype))


def _call(draw: Callable[[Case, str], Any]) -> Any:
    """A call after the global generator is seeded."""

    def drawn(case: Case, dtype: str, device: str, seed: int) -> Any:
        top("seed")(seed)
        return host(draw(case, dtype))

    return drawn


_OF_ONE_SEED = {
    "normal": ("Normal(1)", _call(lambda c, d: top("randn")(list(c["shape"]), dtype=d))),
    "uniform": ("Uniform(1)", _call(lambda c, d: top("uniform")(list(c["shape"]), dtype=d, min=-1.0, max=1.0))),
    "taller": ("Normal(1)", _call(lambda c, d: top("randn")(taller(c), dtype=d))),
}


@contextlib.contextmanager
def _kept(dtype: str, device: str) -> Iterator[None]:
    before = top("get_rng_state")()
    try:
        yield
    finally:
        top("set_rng_state")(before)


INITIALISERS: tuple[Sampler, ...] = (
    initialiser("Constant", "shape", "Constant(scale)", lambda c: {"value": c["scale"]}),
    initialiser("Uniform", "shape", "Uniform(scale)", lambda c: {"low": -c["scale"], "high": c["scale"]}),
    initialiser("Normal", "shape", "Normal(scale)", _std),
    initialiser("TruncatedNormal", "shape", "TruncatedNormal(scale, -2, 2)", _cut, unsupported=NO_TRUNCATED),
    initialiser("Dirac", "dirac", "Dirac(groups)", lambda c: {"groups": c["groups"]}),
    initialiser("Orthogonal", "matrix", "Orthogonal(scale)", lambda c: {"gain": c["scale"]}, unsupported=NO_QR),
    _bilinear(),
    _xavier("XavierUniform", "glorot_uniform"),
    _xavier("XavierNormal", "glorot_normal"),
    _kaiming("KaimingUniform", "he_uniform"),
    _kaiming("KaimingNormal", "he_normal"),
    drawn("randn", "Normal(1)", _unit),
    _randn_like(),
    _weight_norm(),
    drawn("standard_normal", "Normal(1)", _unit),
    drawn("normal", "Normal(scale)", _std, unsupported=IN_FLOAT32),
    drawn("uniform", "Uniform(scale)", _ends),
    _in_place("normal_", "Normal(scale)", _std, unsupported=NO_HALF_KERNEL),
    _in_place("uniform_", "Uniform(scale)", _ends, unsupported=NO_HALF_KERNEL),
    streams(PADDLE, "paddle.randn(seeds)", _of_seed, _kept),
    of_one(PADDLE, "paddle.seed(one seed)", _OF_ONE_SEED, _kept),
)


def _gain(activation: str) -> float:
    name, _, slope = activation.partition(":")
    return float(nn().initializer.calculate_gain(name, float(slope) if slope else None))


GAINS: tuple[Gain, ...] = (
    Gain(
        name="paddle.nn.initializer.calculate_gain",
        framework=PADDLE,
        op="gain",
        apply=_gain,
        documented=TORCH_GAINS,
    ),
)
