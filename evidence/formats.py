"""Floating-point formats, and bounds on what rounding can do to a sum.

`gamma` holds for every order of summation, blocked, tree or fused: |fl(sum x) - sum x| <= gamma(n-1) sum |x| with
gamma(k) = k u / (1 - k u) (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1). A deterministic
law is compared within such a bound, never within a tolerance; where a mutant must be seen, n is chosen small instead.
Where a long sum must be seen, `accumulated` takes a bound that holds with a stated probability, and in a model of
rounding, only.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Format:
    """A binary format: `digits` of significand with the hidden one, normal numbers from `2**lowest` to `2**highest`."""

    name: str
    digits: int
    lowest: int
    highest: int  # exponent of the largest binade: every number stays below 2 * 2**highest
    null_band: float  # largest |ln ratio| of a normal's std that a correct rounding to this format may cause

    @property
    def unit(self) -> float:
        """Unit roundoff, the largest relative error of one correctly rounded operation."""
        return 2.0**-self.digits

    @property
    def largest(self) -> float:
        """The largest finite number of the format."""
        return math.ldexp(2 - 2.0 ** (1 - self.digits), self.highest)

    def spacing(self, x: float) -> float:
        """Distance from |x| to the next larger representable number, for x on the grid."""
        exponent = max(math.frexp(abs(x))[1] - 1, self.lowest) if x else self.lowest
        return math.ldexp(1.0, exponent - self.digits + 1)

    def round(self, x: float) -> float:
        """The nearest number of the format, ties to even; infinite where it overflows.

        >>> FORMATS["bfloat16"].round(1 / 3)
        0.333984375
        """
        if not math.isfinite(x):
            return x
        step = self.spacing(x)
        rounded: float = round(x / step) * step
        overflows = math.frexp(rounded)[1] - 1 > self.highest
        return math.copysign(math.inf, x) if overflows else rounded

    def round_all(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """`round` of every element.

        >>> FORMATS["float16"].round_all(np.array([0.1, 1e6]))
        array([0.09997559,        inf])
        """
        exponent = np.where(x == 0, self.lowest, np.maximum(np.frexp(x)[1] - 1, self.lowest))
        step = np.ldexp(1.0, exponent - self.digits + 1)
        rounded: NDArray[np.float64] = np.rint(x / step) * step
        return np.where(np.frexp(rounded)[1] - 1 > self.highest, np.copysign(np.inf, x), rounded)

    def cells(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ends of the real numbers that round to each x of the grid: half a spacing outwards, the binade's inwards.

        >>> [float(end[0]) for end in FORMATS["bfloat16"].cells(np.array([1.0]))]
        [0.998046875, 1.00390625]
        """
        inner, outer = self.halves(x)
        return x - np.where(x > 0, inner, outer), x + np.where(x < 0, inner, outer)

    def halves(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far the cell of each x of the grid reaches towards 0, and away from it."""
        mantissa, exponent = np.frexp(np.abs(x))
        exponent = np.where(x == 0, self.lowest, np.maximum(exponent - 1, self.lowest))
        outer = np.ldexp(0.5, exponent - self.digits + 1)
        return np.where((mantissa == 0.5) & (exponent > self.lowest), outer / 2, outer), outer

    def finite(self) -> NDArray[np.float64]:
        """All finite numbers of a format of 16 bits, ascending."""
        steps = 2 ** (self.digits - 1)
        small = np.arange(steps) * math.ldexp(1.0, self.lowest - self.digits + 1)
        binades = [(np.arange(steps) + steps) * math.ldexp(1.0, e - self.digits + 1) for e in self.exponents]
        positive = np.concatenate([small, *binades])
        return np.concatenate([-positive[:0:-1], positive])

    @property
    def exponents(self) -> range:
        """Of the binades of normal numbers."""
        return range(self.lowest, self.highest + 1)

    def cell_end(self, x: float) -> float:
        """The largest real number that rounds to x or below, for x >= 0 on the grid."""
        return x + self.spacing(x) / 2


# Null bands: exact enumeration of the roundings of a normal gives at most 1.3e-6, 1e-7 and 1e-10 (statistics of
# rounding to nearest); three to ten times as much is allowed.
FORMATS = {
    f.name: f
    for f in (
        Format("float64", 53, -1022, 1023, 0.0),
        Format("float32", 24, -126, 127, 1e-9),
        Format("float16", 11, -14, 15, 4e-7),
        Format("bfloat16", 8, -126, 127, 4e-6),
    )
}


RISK = 1e-12  # of the probabilistic bound, for all the sums of a verdict together
LONG = 1024  # beyond as many terms gamma says too little, and `accumulated` takes the probabilistic bound


def accumulated(terms: int, roundings: int, unit: float, sums: int = 1) -> float:
    """Bound on the relative error of sums of so many terms in which each suffers so many roundings at most.

    Up to `LONG` terms this is `gamma`, which holds for every order of summation. Longer sums are held to the bound of
    Higham and Mary (2019, SIAM J. Sci. Comput. 41), lambda sqrt(k) u, which one of so many `sums` exceeds with
    probability `RISK` at most where roundings are independent of each other and of mean zero: a model, good for random
    terms. Sums that stagnate, each term lost in the same direction, are not so, and exceed it.
    """
    if terms <= LONG:
        return gamma(roundings, unit)
    scale = math.sqrt(2 * math.log(2 * roundings * sums / RISK)) / (1 - unit)
    return min(gamma(roundings, unit), math.expm1(scale * math.sqrt(roundings) * unit + roundings * unit**2))


def gamma(k: float, unit: float) -> float:
    """Higham's gamma: bound on the relative error of k accumulated roundings; inf where it says nothing."""
    return k * unit / (1 - k * unit) if k * unit < 1 else math.inf
