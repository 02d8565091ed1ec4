"""Do two recordings of one tensor in one case come from one law? Likelihood ratios of their sums, exact where there is
no chance.

The families of `identify` share one likelihood, so "one law for both" is held against "a law each" by
2 (lnL1 + lnL2 - lnL12), a chi-square of few degrees: a change of scale, of family or of a cut shows in the same number.
That takes independent entries, as one of the two readings must have found them: under one law, both then have them. A
law whose entries may depend on each other is compared by its instances (`instances`). All cases of a diff are computed
at once, on arrays.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.identify import families
from varlaw.identify.baseline import instances
from varlaw.identify.dependence import independent, shifted
from varlaw.identify.records import CaseStatistics, Reading

Floats = NDArray[np.float64]
Pair = tuple[CaseStatistics, CaseStatistics]

EXACT = frozenset({"constant", "identity", "dirac", "orthogonal", "rademacher"})  # no chance in scale or entries
LEAST = -700.0  # ln of what float64 can hold

_CUTS = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, math.inf)
_DEGREES = 4  # of the chi-square: scale and family, and an endpoint counts twice
_ROUNDED = 2.0**-18  # relative difference that float32 arithmetic may leave in what has no chance in it
_ENOUGH = 30  # entries with chance in them
_FAR = 1e40  # ratio of two units, beyond which nothing is gained by telling how far
_FEW = 5  # entries of two values that could be the same in every instance by chance (2**-8 for each)


@dataclass(frozen=True)
class Laws:
    """The readings of one tensor in two recordings, and the cases that both looked at."""

    before: Reading
    after: Reading
    pairs: Sequence[Pair]


def log_ps(laws: Sequence[Laws]) -> list[list[float]]:
    """ln of the probability that one law gives recordings as different as these, for each case; 0: nothing is known."""
    waiting: list[Pair] = []
    kinds: list[tuple[bool, bool]] = []
    places: list[tuple[int, int]] = []
    found: list[list[float]] = []
    for i, one in enumerate(laws):
        exact = (one.before.families | one.after.families) <= EXACT
        free = independent(one.before) or independent(one.after)
        kind = (not (shifted(one.before) or shifted(one.after)), _bounded(one.before) and _bounded(one.after))
        found.append([_without_chance(old, new, exact=exact, free=free) for old, new in one.pairs])
        for j, log in enumerate(found[-1]):
            if math.isnan(log):
                waiting.append(one.pairs[j])
                kinds.append(kind)
                places.append((i, j))
    for (i, j), log in zip(places, _of_sums(waiting, kinds), strict=True):
        found[i][j] = log
    return found


def _bounded(reading: Reading) -> bool:
    return reading.family == "uniform" or (reading.cut or math.inf) <= 3


def _without_chance(old: CaseStatistics, new: CaseStatistics, *, exact: bool, free: bool) -> float:
    """What is decided without the sums of independent entries; NaN where they have to."""
    if not old.n or not new.n:
        return 0.0 if old.n == new.n else -math.inf
    if exact or (old.fixed and new.fixed):
        return 0.0 if _equal(old, new) else -math.inf
    if old.fixed != new.fixed:
        small = math.prod(new.shape) < _FEW and (old.distinct or _FEW) + (new.distinct or _FEW) < 2 * _FEW
        return 0.0 if small else -math.inf
    if min(old.n, new.n) < _ENOUGH:
        return 0.0
    if free:
        return math.nan
    return 0.0 if old.marks and new.marks else instances.by_spread(old, new)


def together_log_p(logs: Sequence[float]) -> float:
    """ln p of several cases together, by Fisher's method: a small change that all cases show a little."""
    if not logs or math.isinf(min(logs)):
        return -math.inf if logs else 0.0
    return float(_chi_square(np.array([-2 * sum(logs)]), 2 * len(logs))[0])


def ratio(old: CaseStatistics, new: CaseStatistics) -> tuple[float, float, float] | None:
    """Root mean square new / old with its 99.9 % interval; None where one of them has none."""
    if not (old.n and new.n and old.rms and new.rms):
        return None
    value = new.rms / old.rms
    error = min(3.29 * math.hypot(_error(old), _error(new)), 300.0)
    return value, value * math.exp(-error), value * math.exp(error)


def _error(case: CaseStatistics) -> float:
    """Standard error of ln rms: from the kurtosis, or as measured between instances."""
    if case.spread is not None:
        return case.spread
    kurtosis = case.n * case.z4 / case.z2**2 if case.z2 else 1.0
    return math.sqrt(max(kurtosis - 1, 0.0) / (4 * case.n)) if not case.fixed else 0.0


def _equal(old: CaseStatistics, new: CaseStatistics) -> bool:
    scale = max(abs(old.low), abs(old.high), abs(new.low), abs(new.high))
    if not old.fixed or not new.fixed:  # an orthogonal matrix, or signs: the entries differ, their mean square does not
        return abs(old.rms - new.rms) <= _ROUNDED * 8 * max(old.rms, new.rms)
    pairs = [(old.low, new.low), (old.high, new.high), (old.rms, new.rms), (_mean(old), _mean(new))]
    for name in old.marks.keys() & new.marks.keys():
        pairs += list(zip(old.marks[name], new.marks[name], strict=False))
    return all(abs(a - b) <= _ROUNDED * scale for a, b in pairs)


def _mean(case: CaseStatistics) -> float:
    return case.unit * case.z1 / case.n


# -- sums of independent entries ---------------------------------------------------------------------------------------


def count_log_p(old: Floats, new: Floats, share: Floats) -> Floats:
    """ln p of two counts of rare things of which `share` should be new: exact, and conservative for what is not rare.

    Given their sum, the new count is binomial (or hypergeometric, which varies less).
    """
    from scipy.special import betainc

    total = old + new
    with np.errstate(divide="ignore"):
        above = np.where(new > 0, betainc(np.maximum(new, 1), total - new + 1, share), 1.0)
        below = np.where(old > 0, betainc(np.maximum(old, 1), total - old + 1, 1 - share), 1.0)
        logs: Floats = np.maximum(np.minimum(np.log(2 * np.minimum(above, below)), 0.0), LEAST)
    return logs


def _of_sums(pairs: Sequence[Pair], kinds: Sequence[tuple[bool, bool]]) -> list[float]:
    """By the shares of zeros and of what lies on the limits, the middle, and scale and family; corrected for all."""
    if not pairs:
        return []
    unit = np.array([old.unit for old, _ in pairs])
    old, new = (_columns([pair[side] for pair in pairs], unit) for side in (0, 1))
    centred, bounded = (np.array([kind[i] for kind in kinds]) for i in (0, 1))
    logs = [_share(old, new, "zeros"), _share(old, new, "limits"), *_of_moments(old, new, centred, bounded)]
    lowest: list[float] = np.minimum(np.min(logs, axis=0) + math.log(len(logs)), 0.0).tolist()
    return lowest


def _columns(cases: Sequence[CaseStatistics], unit: Floats) -> dict[str, Floats]:
    """Everything in one unit for both recordings."""
    names = ("n", "unit", "z1", "z2", "z4", "low", "high", "zeros", "limits")
    found = {name: np.array([getattr(c, name) for c in cases], dtype=np.float64) for name in names}
    u = np.clip(found["unit"] / unit, 1 / _FAR, _FAR)
    scaled = {name: np.clip(found[name] / unit, -_FAR * 1e9, _FAR * 1e9) for name in ("low", "high")}
    powers = {"z1": u * found["z1"], "z2": u**2 * found["z2"], "z4": u**4 * found["z4"]}
    return found | scaled | powers


def _share(old: Mapping[str, Floats], new: Mapping[str, Floats], name: str) -> Floats:
    """Of zeros, or of the rest where that is the smaller one."""
    a, b = (np.round(side[name] * side["n"]) for side in (old, new))
    most = a + b > (old["n"] + new["n"]) / 2
    a, b = np.where(most, old["n"] - a, a), np.where(most, new["n"] - b, b)
    return count_log_p(a, b, new["n"] / (old["n"] + new["n"]))


def _of_moments(
    old: Mapping[str, Floats], new: Mapping[str, Floats], centred: NDArray[np.bool_], bounded: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """ln p of the middle, and of scale and family about it."""
    a, b = (_about_the_middle(side, centred, bounded) for side in (old, new))
    there = np.minimum(a["n"], b["n"]) >= _ENOUGH
    for side in (a, b):
        side["n"] = np.maximum(side["n"], 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        location = _location(a, b, old, new, bounded & ~centred)
        both = {name: a[name] + b[name] for name in ("n", "squares", "fourth")}
        both["peak"] = np.maximum(a["peak"], b["peak"])
        own = _largest(a, centred | bounded) + _largest(b, centred | bounded)
        gain = own - _largest(both, centred | bounded)
        kurtosis = both["n"] * both["fourth"] / both["squares"] ** 2
        # A mixture of scales, such as gates, varies more than a normal law.
        spread = np.maximum(1.0, (kurtosis - 1) / 2)
        family = _chi_square(np.nan_to_num(2 * gain / spread, nan=0.0, posinf=1e12), _DEGREES)
    return np.where(there, location, 0.0), np.where(there, family, 0.0)


def _about_the_middle(
    side: Mapping[str, Floats], centred: NDArray[np.bool_], bounded: NDArray[np.bool_]
) -> dict[str, Floats]:
    """Sums about zero without exact zeros, which a sparse law has, or about the middle of the range or the mean."""
    n = np.where(centred, np.round(side["n"] * (1 - side["zeros"])), side["n"])
    mean = side["z1"] / np.maximum(n, 1.0)
    c = np.where(centred, 0.0, np.where(bounded, (side["low"] + side["high"]) / 2, mean))
    squares = np.maximum(side["z2"] - 2 * c * side["z1"] + n * c * c, 0.0)
    fourth = np.where(centred, side["z4"], 3 * squares**2 / np.maximum(n, 1.0))
    return {
        "n": n, "squares": squares, "fourth": fourth, "mean": np.where(centred, mean, c),
        "peak": np.maximum(side["high"] - c, c - side["low"]),
    }  # fmt: skip


def _largest(side: Mapping[str, Floats], cuts: NDArray[np.bool_]) -> Floats:
    """The largest ln likelihood over the cuts; without a cut where none may be tried."""
    sums = (side["n"], side["squares"], side["peak"])
    best = families.log_likelihoods(*sums, math.inf)
    for cut in _CUTS[:-1]:
        best = np.where(cuts, np.fmax(best, families.log_likelihoods(*sums, cut)), best)
    return best


def _location(
    a: Mapping[str, Floats], b: Mapping[str, Floats], old: Mapping[str, Floats], new: Mapping[str, Floats],
    ends: NDArray[np.bool_],
) -> Floats:  # fmt: skip
    """Two means, self-normalised and so sub-Gaussian for symmetric entries; or the middles of two ranges, whose ends
    are exponentially close to the limits."""
    gap = np.abs(a["mean"] - b["mean"])
    scale = np.maximum(a["peak"], b["peak"])
    by_ends = math.log(4) - gap / (scale * (1 / old["n"] + 1 / new["n"]))
    by_mean = math.log(2) - gap**2 / (a["squares"] / a["n"] ** 2 + b["squares"] / b["n"] ** 2) / 2
    return np.nan_to_num(np.minimum(np.where(ends, by_ends, by_mean), 0.0), nan=0.0)


def _chi_square(statistic: Floats, degrees: int) -> Floats:
    """ln of the upper tail, by its leading term where the number itself underflows."""
    from scipy.special import gammaincc

    half = np.maximum(statistic, 0.0) / 2
    p = gammaincc(degrees / 2, half)
    with np.errstate(divide="ignore"):
        return np.where(p > 0, np.log(p), -half + (degrees / 2 - 1) * np.log(np.maximum(half, 1.0)))
