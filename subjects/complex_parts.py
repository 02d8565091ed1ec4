"""Complex weights taken apart into real numbers that have a law: their parts, or share of the modulus and phase.

A promise on the variance of a weight is one on E|w|^2 where the weight is complex, as forward.second_moment asks: each
part has half of it. The rows of all frameworks that draw complex weights state it so, for float32 and float64 parts.
"""

from collections.abc import Callable, Mapping
from typing import Any

NO_16_BITS: Mapping[str, str] = dict.fromkeys(("float16", "bfloat16"), "its parts would have 16 bits each")


def parts(w: Any) -> dict[str, Any]:
    """Real and imaginary parts of any array, by the names that `each` gives them."""
    return {"real": w.real, "imaginary": w.imag}


def each(law: str) -> dict[str, str]:
    """The same law for both parts; that they are not equal and not correlated is asked of all tensors of a subject."""
    return {"real": law, "imaginary": law}


def polar(xp: Any, w: Any, share: Callable[[Any], Any]) -> dict[str, Any]:
    """Of a circular law: the phase over pi, and 2 F(|w|^2) - 1 by its distribution function `share`; both on (-1, 1).

    What rounding alone carries past the ends is brought back.
    """
    modulus = 2 * share(w.real**2 + w.imag**2) - 1
    near = xp.abs(modulus) < 1 + 8 * xp.finfo(modulus.dtype).eps
    return {"modulus": xp.where(near, xp.clip(modulus, -1, 1), modulus), "phase": xp.angle(w) / xp.pi}


CIRCULAR: Mapping[str, str] = {"modulus": "Uniform(1)", "phase": "Uniform(1)"}
