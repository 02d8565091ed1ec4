"""Where squares overflow and vanish in each number format: the range in which a plain norm can be trusted.

>>> from varlaw.theory.laws.number_formats import ENTRIES
>>> round({law.name: law for law in ENTRIES}["dtype.square_overflow"].value(dtype="float16"), 2)
255.97
"""

import functools
import math
from typing import Any

from varlaw.theory.domain import Domain, one_of
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.formats import FORMATS


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
