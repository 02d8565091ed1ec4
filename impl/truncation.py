"""Truncated normal: which parent normal, cut where, gives what the caller asked for.

A truncated normal has two standard deviations (its parent's and its own) and two ways to write its bounds (in sigmas of
the parent, or as they are). Both choices belong to the caller; this file turns them into one `Cut`: the parent's
sigma and the bounds in its units. The parent's mean is zero.
"""

import math
from typing import NamedTuple

import numpy as np

from varlaw.impl.arguments import choice, number, positive, refuse

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)

FARTHEST = 1e150  # sigmas beyond which the spread of a tail is lost


class Cut(NamedTuple):
    """A normal of mean 0 and standard deviation `sigma`, kept between `low` and `high` sigmas."""

    sigma: float
    low: float
    high: float


def unit_std(low: float, high: float) -> float:
    """Standard deviation of a standard normal kept in [low, high], by Gauss-Legendre quadrature.

    The density is taken relative to its peak and the spread about its mean, so that neither far tails nor narrow
    intervals cancel.

    >>> round(unit_std(-2.0, 2.0), 12)
    0.879625661034
    """
    nearest = min(max(0.0, low), high)
    reach = math.sqrt(nearest * nearest + 80.0)  # where the density has fallen by exp(-40)
    left = min(nearest - low, 80.0 / (reach + abs(nearest))) if low < nearest else 0.0
    right = min(high - nearest, 80.0 / (reach + abs(nearest))) if nearest < high else 0.0
    offset = (left + right) / 2 * (_NODES + 1)  # from the left end
    beyond = offset - left  # from the peak
    density = _WEIGHTS * np.exp(-beyond * (2 * nearest + beyond) / 2)
    centre = float(np.sum(density * offset) / np.sum(density))
    return math.sqrt(float(np.sum(density * (offset - centre) ** 2) / np.sum(density)))


def cut(std: object, low: object, high: object, *, std_of: str, bounds: str, where: str) -> Cut:
    """The parent's sigma and the bounds in sigmas, from what the caller said.

    >>> cut(0.02, -2.0, 2.0, std_of="parent", bounds="sigmas", where="example")
    Cut(sigma=0.02, low=-2.0, high=2.0)
    """
    choice("std_of", std_of, ("parent", "result"), where)
    choice("bounds", bounds, ("sigmas", "absolute"), where)
    s = positive("std", std, where)
    a, b = number("low", low, where, infinite=True), number("high", high, where, infinite=True)
    if not a < b:
        refuse("low, high", (a, b), "low < high", where)
    if a == math.inf or b == -math.inf or unit_std_is_zero(a, b):
        refuse("low, high", (a, b), "an interval of some width that holds a finite number", where)
    if std_of == "parent":
        return Cut(s, a, b) if bounds == "sigmas" else _inside(Cut(s, a / s, b / s), where)
    if bounds == "sigmas":
        return Cut(s / unit_std(a, b), a, b)
    return _solve(s, a, b, where)


def unit_std_is_zero(low: float, high: float) -> bool:
    """Whether the interval is too far out or too narrow for its spread to be a float64 number."""
    return abs(min(max(0.0, low), high)) > FARTHEST or not unit_std(low, high) > 0


def _inside(found: Cut, where: str) -> Cut:
    if not found.low < found.high or unit_std_is_zero(found.low, found.high):
        refuse("low, high", (found.low, found.high), "an interval of some width in sigmas", where)
    return found


def _solve(std: float, low: float, high: float, where: str) -> Cut:
    """The parent's sigma for which the part in [low, high] has standard deviation `std` (it grows with sigma)."""
    widest = (high - low) / math.sqrt(12)  # of the uniform law, which no sigma reaches
    if not std < widest * (1 - 1e-6):
        refuse("std", std, f"< {widest:.6g}, the limit of any law between absolute bounds", where)
    left, right = math.log(std) - 1.0, math.log(std) + 1.0

    def excess(log_sigma: float) -> float:
        sigma = math.exp(min(log_sigma, 709.0))
        if abs(min(max(0.0, low / sigma), high / sigma)) > FARTHEST:
            return -std
        return sigma * unit_std(low / sigma, high / sigma) - std

    while excess(right) < 0:
        if right > 709.0:
            refuse("std", std, "one that a parent of finite sigma has between these bounds", where)
        right += 2.0
    while excess(left) > 0:
        left -= 2.0
    for _ in range(80):
        middle = (left + right) / 2
        left, right = (middle, right) if excess(middle) < 0 else (left, middle)
    middle = (left + right) / 2
    if abs(excess(middle)) > 1e-6 * std:
        refuse("low, high", (low, high), "an interval nearer to zero, for a std this small", where)
    sigma = math.exp(min(middle, 709.0))
    return Cut(sigma, low / sigma, high / sigma)
