"""A law on the grid of its format: the cell of each rounded number, and the law's own numbers that lie behind it.

A number x of a format stands for its cell, all the reals that round to it. Cells belong to the number that was rounded,
mean included: 3.5 and 0 lie in the same place of U(2, 5) and of U(-1.5, 1.5), but not on the same grid. So cells come
first and the centre is taken off afterwards, in float64; from there on a law has its centre at 0.

Where the grid is fine, numbers are taken as they are: rounding then moves a standard deviation by no more than a null
band allows. Where it is coarse, each number is drawn anew inside its cell, as the law has it there (`spread`): that
gives exact draws of the law before rounding, whatever the mean and however few values are left. What it costs is sight,
of which `visible` gives the rest: a std that is off by delta looks closer to the law when it is seen through cells.
"""

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.formats import FORMATS, Format
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange, Variate

Floats = NDArray[np.float64]

POINT = 2.0**-20  # 24 random bits give no value of a float32 uniform or normal a larger probability
_COARSE = 1e-9  # |ln ratio| of the std by which rounding may move numbers that are taken as they are
_REACH = 9.0  # standard deviations of a normal law beyond which cells do not count
_NODES = 1 << 18  # of the quadrature over all cells


@dataclass(frozen=True)
class Grid:
    """A law, `offset` added, rounded to a format.

    original: a `Normal`, a `Uniform`, a `UniformRange` or a `TruncatedNormal`.

    Raises `TypeError` for another law, and `ValueError` where its standard deviation is no normal number of float64, in
    which all is computed.
    """

    original: Any
    rounding: Format
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not np.finfo(np.float64).smallest_normal <= self.law.std < math.inf:
            msg = f"law={self.original!r} has std {self.law.std:g}, but should have one of 2.3e-308 or more [decide]"
            raise ValueError(msg)

    @functools.cached_property
    def centre(self) -> float:
        """Where the law is centred; a truncated normal where its parent is."""
        return self.offset + _middle(self.original)

    @functools.cached_property
    def law(self) -> Normal | Uniform | TruncatedNormal:
        """The law with its centre at 0."""
        return _centred(self.original)

    @property
    def likeliest(self) -> float:
        """The probability of one value, at most."""
        return likeliest(self.original, self.rounding, self.offset)

    @property
    def coarse(self) -> bool:
        """Whether rounding moves the standard deviation by more than a null band allows."""
        return self._shift > max(self.rounding.null_band, _COARSE)

    @property
    def _shift(self) -> float:
        return _shift(self.original, self.rounding, self.offset)

    @property
    def format(self) -> Format:
        """The format of what is decided on: float64 after `spread`, else the law's own, seen from its centre."""
        if self.coarse:
            return FORMATS["float64"]
        seen = Moved(**vars(self.rounding), centre=abs(self.centre)) if self.centre else self.rounding
        return replace(seen, null_band=max(seen.null_band, self._shift))

    def cells(self, x: Floats) -> tuple[Floats, Floats]:
        """Ends of the cell of each x, from the centre."""
        inner, outer = self.rounding.halves(x)
        middle = x - self.centre
        return middle - np.where(x > 0, inner, outer), middle + np.where(x < 0, inner, outer)

    def uniform(self, x: Floats, rng: np.random.Generator) -> Floats:
        """F(y), for y as `spread` has it: exactly uniform under the rounded law."""
        low, high = (self.law.cdf(end) for end in self.cells(x))
        return np.asarray(low + rng.random(x.shape) * (high - low))

    def spread(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Each x as a draw of the centred law within its cell, by `rng`; x itself where the law has nothing there."""
        u = self.uniform(x, rng)
        inside = (u > 0) & (u < 1)
        return np.where(inside, self.law.quantile(np.where(inside, u, 0.5)), x - self.centre)

    def values(self, reach: float) -> Floats:
        """All numbers of the format within `reach` of the centre, ascending."""
        return _numbers(self.rounding, self.centre - reach, self.centre + reach)


@dataclass(frozen=True)
class Moved(Format):
    """A format seen from `centre` >= 0: numbers are distances from there, on the coarser of the grids at both sides."""

    centre: float

    def spacing(self, x: float) -> float:
        """Distance between neighbours at that distance from the centre, on the far side."""
        return super().spacing(self.centre + abs(x))

    def round(self, x: float) -> float:
        """The largest distance that a number up to x >= 0 away may be rounded to."""
        far = super().round(self.centre + x) - self.centre
        return max(far, self.centre - super().round(self.centre - x))


def visible(grid: Grid, delta: float) -> float:
    """The error of the std, at most `delta`, that may be excluded after `spread` in place of `delta` itself.

    It is the error that shows where the law is off by `delta` and seen through the cells. A normal law is excluded by
    its likelihood: there, the mean of that ratio is kept at 1 or below besides. 0 where less than half of `delta` is
    left.
    """
    return _visible(grid, delta) if grid.coarse else delta


@functools.lru_cache(maxsize=256)
def _visible(grid: Grid, delta: float) -> float:
    weights, z, chances = _through_cells(grid, delta)
    means, squares = ((weights * power).sum(axis=1) for power in (z, z * z))
    wide, narrow = (math.sqrt(float(p @ squares - (p @ means) ** 2)) for p in chances)
    error = min(delta, wide - 1, 1 / narrow - 1)
    while error >= delta / 2:
        if not isinstance(grid.law, Normal) or max(_mean_ratios(error, weights, z * z, chances)) <= 1:
            return error
        error *= 0.99
    return 0.0


def _mean_ratios(error: float, weights: Floats, squares: Floats, chances: tuple[Floats, Floats]) -> list[float]:
    """The mean, over draws of either side, of the likelihood ratio of N(0, 1) to N(0, r^2), r = 1 + error or 1 / r."""
    means = []
    for p, r in zip(chances, (1 + error, 1 / (1 + error)), strict=True):
        ratios = r * np.exp((r**-2 - 1) * squares / 2)
        means.append(float(p @ (weights * ratios).sum(axis=1)))
    return means


def _through_cells(grid: Grid, delta: float) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """For each cell (a row) weights and numbers z of the law in it; the chances of cells where the std is off by delta.

    What lies where the law has nothing stays where it is.
    """
    law, std = grid.law, grid.law.std
    reach = law.bound if math.isfinite(law.bound) else _REACH * std
    values = grid.values((1 + delta) * reach)
    low, high = grid.cells(values)
    nodes, w = np.polynomial.legendre.leggauss(min(64, max(4, _NODES // max(1, low.size))))
    left, right = np.clip(low, -reach, reach)[:, None], np.clip(high, -reach, reach)[:, None]
    y = left + (right - left) * (nodes + 1) / 2
    density = w * np.exp(law.logpdf(y) + math.log(std)) * (right - left) / std
    there = density.sum(axis=1) > 0
    y[~there] = (values[~there] - grid.centre)[:, None]
    density[~there] = 1.0
    chances = [_mass(law, low / r, high / r) for r in (1 + delta, 1 / (1 + delta))]
    return density / density.sum(axis=1, keepdims=True), y / std, (chances[0], chances[1])


def _mass(law: Variate, low: Floats, high: Floats) -> Floats:
    """P(low < X <= high), accurate in both tails."""
    upper = low > 0
    return np.where(upper, law.survival(low) - law.survival(high), law.cdf(high) - law.cdf(low))


def _centred(law: Any) -> Normal | Uniform | TruncatedNormal:
    match law:
        case UniformRange():
            return Uniform(0.5 * law.high - 0.5 * law.low)
        case Normal():
            return Normal(law.std)
        case TruncatedNormal():
            return TruncatedNormal(law.parent_std, law.low, law.high) if law.parent_mean else law
        case Uniform():
            return law
    msg = f"law={law!r}, but should be a Normal, a Uniform, a UniformRange or a TruncatedNormal with two ends [decide]"
    raise TypeError(msg)


def _middle(law: Any) -> float:
    """The mean of a law, of a truncated normal that of its parent."""
    return float(law.parent_mean if isinstance(law, TruncatedNormal) else law.mean)


def moved(law: Variate, by: float) -> Variate:
    """The law of X + by, for a normal, truncated or uniform X; any other law as it is.

    >>> moved(UniformRange(2.0, 5.0), -3.5)
    Uniform(bound=1.5)
    """
    if by == 0 or not isinstance(law, Normal | Uniform | UniformRange | TruncatedNormal):
        return law
    if isinstance(law, Normal):
        return Normal(law.std, law.mean + by)
    if isinstance(law, TruncatedNormal):
        return TruncatedNormal(law.parent_std, law.low, law.high, law.parent_mean + by)
    low, high = (end + by for end in law.support)
    return Uniform(high) if low == -high else UniformRange(low, high)


def _binades(fmt: Format) -> tuple[Floats, Floats, Floats]:
    """Least and largest |x| of the subnormal numbers and of each binade, and the spacing there."""
    exponents = np.array([fmt.lowest, *fmt.exponents], dtype=np.int64)
    low = np.ldexp(1.0, exponents)
    low[0] = 0.0
    spacing = np.ldexp(1.0, exponents - fmt.digits + 1)
    return low, np.ldexp(1.0, exponents) + np.where(low > 0, np.ldexp(1.0, exponents) - spacing, -spacing), spacing


@functools.lru_cache(maxsize=1024)
def likeliest(law: Any, fmt: Format, offset: float = 0.0) -> float:
    """The probability of one value of the rounded law, at most: spacing times density, in the binade where it is most.

    >>> round(1 / likeliest(Uniform(1.0), FORMATS["bfloat16"])), likeliest(Normal(1.0), FORMATS["float32"]) < 2.0**-24
    (256, True)
    """
    low, high, spacing = _binades(fmt)
    mode = float(np.clip(law.mode if hasattr(law, "mode") else _middle(law), *law.support))
    with np.errstate(all="ignore"):  # far beyond the law
        nearest = [np.clip(sign * (mode + offset), low - spacing, high + spacing) * sign for sign in (1.0, -1.0)]
        logs = [np.log(spacing) + law.logpdf(x - offset) for x in nearest]
    return float(min(1.0, math.exp(min(0.0, float(np.max(logs))))))


@functools.lru_cache(maxsize=1024)
def _shift(law: Any, fmt: Format, offset: float) -> float:
    """How far rounding moves ln std: E spacing^2 / (24 std^2), by Sheppard's correction."""
    low, _, spacing = _binades(fmt)
    ends = np.append(low, math.inf)
    with np.errstate(all="ignore"):  # far beyond the law
        mass = _mass(law, ends[:-1] - offset, ends[1:] - offset) + _mass(law, -ends[1:] - offset, -ends[:-1] - offset)
        return float(mass @ np.minimum((spacing / law.std) ** 2, 1e6)) / 24


def _numbers(fmt: Format, low: float, high: float) -> Floats:
    """The numbers of a format from `low` to `high`."""
    least, _, spacing = _binades(fmt)
    ends = np.append(least[1:], math.inf)
    found = []
    for a, b, step in zip(least.tolist(), ends.tolist(), spacing.tolist(), strict=True):
        for sign in (1, -1):
            start, stop = (max(low, a), min(high, b)) if sign > 0 else (max(-high, a), min(-low, b))
            if start < stop:
                steps = np.arange(math.ceil(start / step), math.ceil(min(stop, b) / step) + 1, dtype=np.float64)
                found.append(sign * step * steps[steps * step < b])
    return np.unique(np.concatenate(found)) if found else np.empty(0)
