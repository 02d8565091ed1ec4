"""Deterministic laws: observed against expected, within what rounding may do to the observed."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALL = 0.05  # a share of what is expected: the delta of the policy `pr`


class Comparison(msgspec.Struct, frozen=True):
    """The worst of `n` comparisons: where it lies, and by how much it uses up its bound."""

    n: int
    expected: float
    observed: float
    bound: float  # absolute; what rounding alone may do to `observed`
    worst: int  # index of the comparison
    largest: float  # the largest |observed - expected| of all, as a share of what was expected, or of 1 for 0
    scale: float  # what a difference of the worst is a share of, where that is not what was expected
    # Of all: observed, expected, bound, scale, and the bound where a deviation is foreseen.
    sides: tuple[Any, ...]

    @property
    def holds(self) -> bool:
        """Whether every comparison stays within its bound; NaN never does."""
        return self.expected == self.observed or abs(self.observed - self.expected) <= self.bound

    @property
    def ratio(self) -> float:
        """observed / expected, 1 where both are 0."""
        if self.observed == self.expected:
            return 1.0
        return self.observed / self.expected if self.expected else math.inf

    @property
    def off(self) -> float | None:
        """observed - expected as a share of the scale, where one was given: there the two may have any ratio."""
        if self.sides[3] is None:
            return None
        return 0.0 if self.observed == self.expected else (self.observed - self.expected) / (self.scale or 1.0)

    def times(self, ratio: float) -> "Comparison":
        """The same observations against `ratio` times what was expected: inf, or no number, stands for itself.

        What is that much larger may be rounded by that much more.

        >>> compare([3.0], [1.0], [0.1]).times(3.0).holds
        True
        """
        observed, expected, _, scale, bound = self.sides
        if not math.isfinite(ratio):
            return compare(observed, [ratio] * len(expected), bound, scale)
        grown = max(1.0, abs(ratio))
        return compare(observed, [ratio * e for e in expected], [grown * b for b in bound], scale)


def compare(
    observed: Sequence[float],
    expected: Sequence[float],
    bound: Sequence[float],
    scale: Sequence[float] | None = None,
    deviating: Sequence[float] | None = None,
) -> Comparison:
    """The comparison that exceeds its bound most, or comes closest to it.

    `scale` is what a difference counts as a share of, where that is not what is expected: a sum may be small by chance,
    and then its ratio to what was expected says nothing of the size of a deviation.
    `deviating` is the bound where a deviation is foreseen: what the law leaves untouched it may compute, and round.

    >>> compare([1.0, 2.5], [1.0, 2.0], [0.1, 0.1]).worst
    1
    """
    assert len(observed) == len(expected) == len(bound) > 0
    excess = [_excess(*row) for row in zip(observed, expected, bound, strict=True)]
    worst = max(range(len(excess)), key=excess.__getitem__)
    of = expected if scale is None else scale
    largest = max(
        abs(o - e) / (abs(s) or 1.0) if o != e else 0.0 for o, e, s in zip(observed, expected, of, strict=True)
    )
    return Comparison(
        n=len(observed), expected=float(expected[worst]), observed=float(observed[worst]), bound=float(bound[worst]),
        worst=worst, largest=largest, scale=abs(float(of[worst])),
        sides=(observed, expected, bound, scale, bound if deviating is None else deviating),
    )  # fmt: skip


def reached(rigorous: Floats, careful: Floats, scale: Floats | float) -> Floats:
    """The bound that a result is held to where a bound for every lawful algorithm may say nothing.

    A bound for any algorithm holds as it stands while it is a small share of the scale. Where it is more, what is held
    to it would be held to nothing: there a result may be off by that share, or by what a careful algorithm may be.

    >>> reached(np.array([0.01, 20.0, 20.0]), np.array([0.001, 0.001, 0.3]), 1.0)
    array([0.01, 0.05, 0.3 ])
    """
    return np.minimum(rigorous, np.maximum(careful, SMALL * np.abs(scale)))


def _excess(observed: float, expected: float, bound: float) -> float:
    """|observed - expected| over its bound; inf for NaN or for any difference where the bound is 0."""
    difference = abs(observed - expected)
    if observed == expected or difference == 0:
        return 0.0
    if math.isnan(difference) or bound == 0:
        return math.inf
    return difference / bound
