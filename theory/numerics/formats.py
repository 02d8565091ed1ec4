"""Number formats as data: what is largest, smallest and smallest normal in each.

A format is three facts: the bits of its significand (the hidden one included), its largest finite number and its
smallest positive one. Everything follows by rounding to nearest, ties to even. Formats whose name ends in `fn` have no
infinity: what overflows becomes NaN there.
"""

import math
from typing import NamedTuple


class Format(NamedTuple):
    """One binary format; `largest` and `smallest` are exact in float64, `top` is the exponent of the last binade."""

    bits: int  # of the significand, the hidden bit included
    top: int  # 2**top <= largest < 2**(top + 1)
    missing: int  # encodings at the end of the last binade that are no finite numbers
    bottom: int  # smallest positive number is 2**bottom

    @property
    def largest(self) -> float:
        return math.ldexp(2**self.bits - 1 - self.missing, self.top - self.bits + 1)

    @property
    def smallest(self) -> float:
        return math.ldexp(1.0, self.bottom)

    @property
    def smallest_normal(self) -> float:
        return math.ldexp(1.0, self.bottom + self.bits - 1)

    @property
    def log2_overflow(self) -> float:
        """log2 of the midpoint between the largest number and the next one: what rounds beyond the range."""
        return self.top - self.bits + math.log2(2 ** (self.bits + 1) - 1 - 2 * self.missing)


FORMATS: dict[str, Format] = {
    "float64": Format(53, 1023, 0, -1074),
    "float32": Format(24, 127, 0, -149),
    "float16": Format(11, 15, 0, -24),
    "bfloat16": Format(8, 127, 0, -133),
    "float8_e3m4": Format(5, 3, 0, -6),
    "float8_e4m3": Format(4, 7, 0, -9),
    "float8_e4m3fn": Format(4, 8, 1, -9),  # the last encoding of the last binade is NaN
    "float8_e4m3fnuz": Format(4, 7, 0, -10),
    "float8_e4m3b11fnuz": Format(4, 4, 0, -13),
    "float8_e5m2": Format(3, 15, 0, -16),
    "float8_e5m2fnuz": Format(3, 15, 0, -17),
}
