"""Second moments of rounded numbers, summed over every cell of a format, without subtracting two of them.

Rounding to nearest moves x to its grid point g; the change of the second moment is the sum over half-cells of

    int (g^2 - x^2) f(x) dx = -+ int_0^h (2 g d +- d^2) f(g +- d) dd,     h half the spacing on that side.

The grid is a row of segments, each with one spacing: the subnormal range and the binades. Inside a segment both halves
of a cell are taken together, where the parts of first order cancel on paper; at its two ends they stand alone.

Vocabulary: *segment*: start, spacing and number of cells of one stretch of equal spacing, in units of the scale.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from varlaw.theory.numerics.formats import FORMATS
from varlaw.theory.numerics.quadrature import Floats, legendre

_NODES = 12
_FINE = 0.25  # spacings below this fraction of the standard deviation are integrated, coarser ones taken in closed form
_REACH = 40.0  # in standard deviations
_ENUMERATED = 2**11  # cells of one segment up to which they are summed one by one
SQRT_TWO_PI = math.sqrt(2 * math.pi)


class Segment(NamedTuple):
    """Cells `start + j spacing`, j = 0 .. cells, all numbers divided by the scale."""

    start: float
    spacing: float
    cells: int


def segments(dtype: str, scale: float, reach: float) -> Iterator[Segment]:
    """The segments of a format that begin below `reach` times `scale`, the subnormal range first."""
    f = FORMATS[dtype]
    half = 2 ** (f.bits - 1)
    yield Segment(0.0, f.smallest / scale, half)
    for exponent in range(f.bottom + f.bits - 1, f.top + 1):
        start = math.ldexp(1.0, exponent) / scale
        if start >= reach:
            return
        yield Segment(start, start / half, half)


def normal_change(dtype: str, std: float) -> float:
    """E[round(x)^2] / std^2 - 1 for x ~ N(0, std^2), overflow left out.

    >>> f"{normal_change('float16', 1.0):.4e}"
    '-4.4285e-08'
    """
    if std < FORMATS[dtype].smallest / 100:  # half the smallest number is 50 standard deviations away
        return -1.0
    return 2 * math.fsum(_normal_segment(s) for s in segments(dtype, std, _REACH))


def _normal_segment(s: Segment) -> float:
    if s.spacing >= _FINE:
        return _coarse_segment(s)
    h = s.spacing / 2
    ends = _half_cells(np.asarray([s.start]), h, 1.0) + _half_cells(
        np.asarray([s.start + s.cells * s.spacing]), h, -1.0
    )
    return float(ends[0]) + (_inner_sum(s, h) if s.cells <= _ENUMERATED else _inner_integral(s, h))


def _inner_sum(s: Segment, h: float) -> float:
    return float(np.sum(_whole_cells(_points(s, 1, s.cells), h)))


def _points(s: Segment, first: int, stop: int) -> Floats:
    return np.asarray(s.start + s.spacing * np.arange(first, stop), dtype=np.float64)


def _half_cells(g: Floats, h: float, side: float) -> Floats:
    """int_0^h (g^2 - (g + side d)^2) f(g + side d) dd, for each g."""
    u, w = legendre(_NODES)
    d = h * u
    x = g[:, None] + side * d
    change: Floats = ((-(2 * side * g[:, None] + d) * d * _density(x)) @ w) * h
    return change


def _whole_cells(g: Floats, h: float) -> Floats:
    """Both halves together: f(g) int_0^h e^(-d^2/2) (4 g d sinh(g d) - 2 d^2 cosh(g d)) dd."""
    u, w = legendre(_NODES)
    d = h * u
    gd = g[:, None] * d
    change: Floats = _density(g) * (((4 * gd * np.sinh(gd) - 2 * d * d * np.cosh(gd)) * np.exp(-d * d / 2)) @ w) * h
    return change


def _inner_integral(s: Segment, h: float) -> float:
    """Sum over the inner grid points of a segment too fine to enumerate: Euler and Maclaurin's integral and ends."""
    u, w = legendre(96)
    length = s.cells * s.spacing
    ends = _whole_cells(np.asarray([s.start, s.start + length]), h)
    return float((_whole_cells(s.start + length * u, h) @ w) * s.cells - ends.sum() / 2)


def _coarse_segment(s: Segment) -> float:
    """Cells as wide as the law itself: int (g^2 - x^2) f = (g^2 - 1) mass + [x f], cell by cell."""
    count = min(s.cells, int(_REACH / s.spacing) + 1)
    g = _points(s, 0, count + 1)
    middle: Floats = g[:-1] + s.spacing / 2
    return float(np.sum(_closed(g[:-1], g[:-1], middle)) + np.sum(_closed(g[1:], middle, g[1:])))


def _closed(g: Floats, low: Floats, high: Floats) -> Floats:
    from scipy.special import erfc

    mass = (erfc(low / math.sqrt(2)) - erfc(high / math.sqrt(2))) / 2
    change: Floats = (g * g - 1) * mass + high * _density(high) - low * _density(low)
    return change


def _density(x: Floats) -> Floats:
    with np.errstate(under="ignore"):
        density: Floats = np.exp(-0.5 * x * x) / SQRT_TWO_PI
    return density


def uniform_change(dtype: str, bound: float) -> float:
    """E[round(x)^2] / (bound^2 / 3) - 1 for x ~ U(-bound, bound).

    >>> f"{uniform_change('float16', 1.0):.3e}"
    '6.812e-08'
    """
    if 2 * bound <= FORMATS[dtype].smallest:  # everything rounds to 0, the tie included
        return -1.0
    scale = math.ldexp(1.0, math.frexp(bound)[1] - 1)  # a power of two: every grid point and the bound stay exact
    edge = bound / scale
    return 3 / edge**3 * math.fsum(_uniform_segment(s, edge) for s in segments(dtype, scale, edge))


def uniform_change_towards_zero(dtype: str, bound: float) -> float:
    """E[cut(x)^2] / (bound^2 / 3) - 1 for x ~ U(-bound, bound), where cut takes the digits away that do not fit.

    >>> f"{uniform_change_towards_zero('float16', 1.0):.3e}"
    '-6.277e-04'
    """
    if bound <= FORMATS[dtype].smallest:
        return -1.0
    scale = math.ldexp(1.0, math.frexp(bound)[1] - 1)
    edge = bound / scale
    return -3 / edge**3 * math.fsum(_lost_in_segment(s, edge) for s in segments(dtype, scale, edge))


def _lost_in_segment(s: Segment, edge: float) -> float:
    """A cell [g, g + d) loses the integral of x^2 - g^2, g d^2 + d^3 / 3; the last one stops at the edge."""
    whole = min(s.cells, math.floor((edge - s.start) / s.spacing))
    starts = whole * s.start + s.spacing * whole * (whole - 1) / 2
    lost = starts * s.spacing**2 + whole * s.spacing**3 / 3
    if whole < s.cells:
        g = s.start + whole * s.spacing
        lost += g * (edge - g) ** 2 + (edge - g) ** 3 / 3
    return lost


def _uniform_segment(s: Segment, edge: float) -> float:
    """A whole cell adds spacing^3 / 6; the last one stops at the edge."""
    if s.start + s.cells * s.spacing <= edge:
        return s.cells * s.spacing**3 / 6
    whole = math.floor((edge - s.start) / s.spacing)
    return whole * s.spacing**3 / 6 + _cut_cell(s.start + whole * s.spacing, s.spacing, edge)


def _cut_cell(g: float, spacing: float, edge: float) -> float:
    """Half-cells above g up to the edge: down to g first, then up to g + spacing."""
    h = spacing / 2
    d = min(edge - g, h)
    change = -(g * d * d + d**3 / 3)
    left = g + spacing - edge
    if left < h:
        change += (g + spacing) * (h - left) * (h + left) - (h**3 - left**3) / 3
    return change
