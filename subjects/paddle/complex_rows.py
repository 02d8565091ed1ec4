"""Paddle's complex weights: the initialisers that take a complex parameter, by its two parts."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.complex_parts import NO_16_BITS, each
from varlaw.subjects.paddle.framework import PADDLE, nn, top
from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Case, Sampler

_COMPLEX = {"float32": "complex64", "float64": "complex128"}


def _initialiser(name: str, law: str, arguments: Callable[[Case], dict[str, Any]], op: str = "linear") -> Sampler:
    def build(case: Case, dtype: str, device: str) -> dict[str, Any]:
        shape = case["shape"] if "shape" in case else (case["in_features"], case["out_features"])
        initialise = getattr(nn().initializer, name)(**arguments(case))
        w = top("create_parameter")(list(shape), dtype=_COMPLEX[dtype], default_initializer=initialise)
        return {"real": top("real")(w), "imaginary": top("imag")(w)}

    label = f"paddle.nn.initializer.{name}(complex)"
    return sampler(PADDLE, label, op, build, each(law), unsupported=NO_16_BITS)


COMPLEX: tuple[Sampler, ...] = (
    _initialiser("Normal", "Normal(scale/sqrt(2))", lambda c: {"mean": 0.0, "std": c["scale"]}, "shape"),
    _initialiser("XavierUniform", "glorot_uniform(2*in_features, 2*out_features)", lambda c: {}),
    _initialiser("XavierNormal", "glorot_normal(2*in_features, 2*out_features)", lambda c: {}),
    _initialiser("KaimingUniform", "he_uniform(2*in_features)", lambda c: {}),
    _initialiser("KaimingNormal", "he_normal(2*in_features)", lambda c: {}),
)
