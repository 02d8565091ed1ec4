"""tinygrad.Tensor: every sampler and initialiser, with what the documentation, or the page it links to, promises."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.boundary import Build
from varlaw.subjects.rows import sampler
from varlaw.subjects.seeds import streams
from varlaw.subjects.subject import Case, Sampler
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED, bits, host, kept
from varlaw.subjects.tinygrad.layers import NN


def _sampler(
    name: str, documented: str, arguments: Callable[[Case], dict[str, Any]] = lambda c: {}, op: str = "shape",
    claims: Mapping[str, str] | None = None,
) -> Sampler:  # fmt: skip
    """A class method of Tensor that makes a tensor of a shape."""

    def draw(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        from tinygrad import Tensor, dtypes

        shape = case["shape"] if "shape" in case else NN.shape(case)
        return {"": getattr(Tensor, name)(*shape, dtype=getattr(dtypes, dtype), **arguments(case))}

    return _row(name, op, documented, draw, claims={"": claims or {}})


def _row(name: str, op: str, documented: str, draw: Build, **rest: Any) -> Sampler:
    shape = {"shape": lambda c: tuple(c["shape"])} | NN.filled(op)
    label = f"tinygrad.Tensor.{name}"
    return sampler(TINYGRAD, label, op, draw, {"": documented}, unsupported=UNSUPPORTED, **shape, **rest)


def _randn_like(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
    from tinygrad import Tensor, dtypes

    return {"": Tensor.empty(*case["shape"], dtype=getattr(dtypes, dtype)).randn_like()}


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
    _row("randn_like", "shape", "Normal(1)", _randn_like),
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
