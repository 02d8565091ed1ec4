"""Where squares overflow and vanish in each number format: the range in which a plain norm can be trusted.

A format is three facts: the bits of its significand (the hidden one included), its largest finite number and its
smallest positive one. Everything follows by rounding to nearest, ties to even. Formats whose name ends in `fn` have no
infinity: what overflows becomes NaN there.

>>> from varlaw.theory.laws.number_formats import ENTRIES
>>> round({law.name: law for law in ENTRIES}["dtype.square_overflow"].value(dtype="float16"), 2)
255.97
"""

import functools
import math
from typing import Any, NamedTuple

from varlaw.theory.law import Domain, Kind, Law, one_of


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


def _square_overflow(dtype: Any) -> float:
    # 2**(x/2) in two factors: the exponent is exact and the rest is a number between 1 and 2.
    f = FORMATS[dtype]
    units = 2 ** (f.bits + 1) - 1 - 2 * f.missing
    shift = f.top - f.bits
    return math.ldexp(math.sqrt(units * (1 + shift % 2)), shift // 2)


def _square_underflow(dtype: Any) -> float:
    half = FORMATS[dtype].bottom - 1
    return math.ldexp(math.sqrt(1 + half % 2), half // 2)


_law = functools.partial(
    Law,
    kind=Kind.EXACT,
    domain=Domain(dtype=one_of(*FORMATS)),
    hypotheses=("round to nearest, ties to even", "subnormal numbers kept"),
    source="IEEE 754-2019; Micikevicius et al. 2022, arXiv:2209.05433 (8 bits); derived",
    statistic="squares of numbers on both sides of the threshold, exactly",
)


ENTRIES: tuple[Law, ...] = (
    _law(
        name="dtype.largest",
        title="Largest finite number of a format",
        quantity="number",
        formula="FORMATS[dtype].largest",
        rule=lambda dtype: FORMATS[dtype].largest,
        derivation="(2 - 2^(1-bits)) 2^top; e4m3fn gives up its last encoding to NaN, so it ends at 448.",
    ),
    _law(
        name="dtype.smallest",
        title="Smallest positive number of a format (subnormal)",
        quantity="number",
        formula="FORMATS[dtype].smallest",
        rule=lambda dtype: FORMATS[dtype].smallest,
        derivation="One unit of the subnormal grid.",
        not_to_confuse="the smallest normal number, which is 2^(bits-1) times larger",
    ),
    _law(
        name="dtype.smallest_normal",
        title="Smallest positive normal number of a format",
        quantity="number",
        formula="mpf(FORMATS[dtype].smallest) * 2**(FORMATS[dtype].bits - 1)",
        rule=lambda dtype: FORMATS[dtype].smallest_normal,
        derivation="From here on a number has all bits of the significand; the subnormal grid below keeps its spacing.",
        not_to_confuse="the smallest positive number, dtype.smallest; tiny of numpy and torch is the normal one",
    ),
    _law(
        name="dtype.unit_roundoff",
        title="Largest relative error of rounding to a format, within its normal range",
        quantity="relative error",
        formula="2.0**-FORMATS[dtype].bits",
        rule=lambda dtype: math.ldexp(1.0, -FORMATS[dtype].bits),
        derivation="Half a unit in the last place over the smallest number of the binade.",
        not_to_confuse="eps of numpy and torch, the gap above 1, which is twice as much",
    ),
    _law(
        name="dtype.square_overflow",
        title="Magnitude from which on a square is no longer finite",
        quantity="|x|",
        formula="sqrt(mpf(FORMATS[dtype].largest) + mpf(2)**(FORMATS[dtype].top - FORMATS[dtype].bits))",
        rule=_square_overflow,
        derivation=(
            "x^2 rounds beyond the range from the largest number plus half a unit on (e4m3fn: beyond it, the tie is "
            "even)."
        ),
        not_to_confuse="sqrt(largest): squares between the two round down to the largest number",
    ),
    _law(
        name="dtype.square_underflow",
        title="Magnitude up to which a square rounds to zero",
        quantity="|x|",
        formula="sqrt(mpf(FORMATS[dtype].smallest) / 2)",
        rule=_square_underflow,
        derivation=(
            "x^2 <= half the smallest number rounds to zero, the tie going to the even 0. A norm by max |x| avoids "
            "both ends."
        ),
        not_to_confuse="sqrt(smallest)",
    ),
)
