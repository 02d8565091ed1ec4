"""Complex weights taken apart into real numbers that have a law: their parts, or share of the modulus and phase.

A promise on the variance of a weight is one on E|w|^2 where the weight is complex, as forward.second_moment asks: each
part has half of it. The rows of all frameworks that draw complex weights state it so, for float32 and float64 parts.
Where it is the share of a modulus that is decided, delta is that of the share: `pr` finds a cut normal from 4 % on that
is too narrow, a disc from 2 % on.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

NO_16_BITS: Mapping[str, str] = dict.fromkeys(("float16", "bfloat16"), "its parts would have 16 bits each")
_ROUNDINGS = 24  # of a modulus on its way from a radius to a share: cos, sin, products and squares of both parts, sums


def parts(w: Any) -> dict[str, Any]:
    """Real and imaginary parts of any array, by the names that `each` gives them."""
    return {"real": w.real, "imaginary": w.imag}


def each(law: str) -> dict[str, str]:
    """The same law for both parts; that they are not equal and not correlated is asked of all tensors of a subject."""
    return {"real": law, "imaginary": law}


def disc(xp: Any, square: Any) -> Any:
    """P(|w|^2 <= square) of the uniform law on a disc with E|w|^2 = 1, whose radius is sqrt(2); passes 1 outside."""
    return square / 2


def cut_normal(xp: Any, square: Any) -> Any:
    """The same of a circular normal law cut at two stds, scaled to E|w|^2 = 1; passes 1 outside."""
    kept = 1 - 4 / math.expm1(4)  # E|w|^2 of one of variance 1 cut at |w| = 2
    return xp.expm1(-kept * square) / math.expm1(-4)


def polar(xp: Any, w: Any, share: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """Of a circular law with E|w|^2 = 1: the phase over pi, and 2 F(|w|^2) - 1 by `share`; both fill (-1, 1).

    What rounding alone carries past the ends is brought back.
    """
    modulus = 2 * share(xp, w.real**2 + w.imag**2) - 1
    near = xp.abs(modulus) <= 1 + _ROUNDINGS * xp.finfo(modulus.dtype).eps
    return {"modulus": xp.where(near, xp.clip(modulus, -1, 1), modulus), "phase": xp.angle(w) / xp.pi}


CIRCULAR: Mapping[str, str] = {"modulus": "Uniform(1)", "phase": "Uniform(1)"}
