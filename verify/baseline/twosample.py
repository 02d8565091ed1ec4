"""Do two recordings of one tensor in one case come from one law? Likelihood ratios of their sums, exact where there is
no chance.

The families of `identify` share one likelihood, so "one law for both" is held against "a law each" by
2 (lnL1 + lnL2 - lnL12), a chi-square of few degrees: a change of scale, of family or of a cut shows in the same number.
An unknown law, whose entries may depend on each other, is compared by the spread between its instances.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from varlaw.verify.identify import families
from varlaw.verify.identify.records import CaseStatistics, Reading
from varlaw.verify.identify.sample import Moments

_CUTS = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, math.inf)
_DEGREES = 4  # of the chi-square: scale and family, and an endpoint counts twice
_EXACT = 2.0**-18  # relative difference that float32 arithmetic may leave in what has no chance in it
_ENOUGH = 30  # entries with chance in them


def log_p(old: CaseStatistics, new: CaseStatistics, before: Reading, after: Reading) -> float:
    """ln of the probability that one law gives two recordings as different as these; 0 where nothing can be said."""
    if not old.n or not new.n:
        return 0.0 if old.n == new.n else -math.inf
    exact = all(r.family in ("constant", "identity", "dirac", "orthogonal", "rademacher") for r in (before, after))
    if exact or (old.fixed and new.fixed):
        return 0.0 if _equal(old, new) else -math.inf
    if old.fixed != new.fixed:
        return -math.inf
    if min(old.n, new.n) < _ENOUGH:
        return 0.0
    if not (before.known and after.known):
        return _by_spread(old, new)
    return min(_zeros(old, new), _of_moments(old, new, before, after))


def together_log_p(logs: Sequence[float]) -> float:
    """ln p of several cases together, by Fisher's method: a small change that all cases show a little."""
    if not logs or math.isinf(min(logs)):
        return -math.inf if logs else 0.0
    return _chi_square(-2 * sum(logs), 2 * len(logs))


def ratio(old: CaseStatistics, new: CaseStatistics) -> tuple[float, float, float]:
    """Root mean square new / old with its 99.9 % interval."""
    value = new.rms / old.rms if old.rms else math.inf
    error = 3.29 * math.hypot(_error(old), _error(new))
    return value, value * math.exp(-error), value * math.exp(error)


def together(a: CaseStatistics, b: CaseStatistics) -> CaseStatistics:
    """The sums of two tensors of one shape in one case, in units of the first."""
    u, n = b.unit / a.unit, a.n + b.n
    return CaseStatistics(
        case=a.case, shape=a.shape, n=n, unit=a.unit,
        z1=a.z1 + u * b.z1, z2=a.z2 + u**2 * b.z2, z4=a.z4 + u**4 * b.z4,
        low=min(a.low, b.low), high=max(a.high, b.high),
        zeros=(a.n * a.zeros + b.n * b.zeros) / n, fixed=a.fixed and b.fixed,
        spread=max(a.spread, b.spread) if a.spread is not None and b.spread is not None else None,
        instances=min(a.instances, b.instances),
    )  # fmt: skip


def _error(case: CaseStatistics) -> float:
    """Standard error of ln rms: from the kurtosis, or as measured between instances."""
    if case.spread is not None:
        return case.spread
    kurtosis = case.n * case.z4 / case.z2**2 if case.z2 else 1.0
    return math.sqrt(max(kurtosis - 1, 0.0) / (4 * case.n)) if not case.fixed else 0.0


def _equal(old: CaseStatistics, new: CaseStatistics) -> bool:
    scale = max(abs(old.low), abs(old.high), abs(new.low), abs(new.high))
    if not old.fixed:  # an orthogonal matrix, or signs: the entries differ, their mean square does not
        return abs(old.rms - new.rms) <= _EXACT * 8 * max(old.rms, new.rms)
    pairs = ((old.low, new.low), (old.high, new.high), (old.rms, new.rms), (_mean(old), _mean(new)))
    return all(abs(a - b) <= _EXACT * scale for a, b in pairs)


def _mean(case: CaseStatistics) -> float:
    return case.unit * case.z1 / case.n


def _by_spread(old: CaseStatistics, new: CaseStatistics) -> float:
    if not old.rms or not new.rms or old.spread is None or new.spread is None:
        return 0.0
    error = math.hypot(old.spread, new.spread) or _EXACT
    from scipy.special import stdtr

    degrees = max(min(old.instances, new.instances) - 1, 1)
    p = 2 * float(stdtr(degrees, -abs(math.log(new.rms / old.rms)) / error))
    return math.log(p) if p > 0 else -700.0


def _zeros(old: CaseStatistics, new: CaseStatistics) -> float:
    """The shares of exact zeros, as two binomial counts."""
    a, b = old.zeros * old.n, new.zeros * new.n
    if old.zeros == new.zeros:
        return 0.0
    gain = _binomial(a, old.n) + _binomial(b, new.n) - _binomial(a + b, old.n + new.n)
    return _chi_square(2 * gain, 1)


def _binomial(count: float, n: float) -> float:
    return sum(k * math.log(k / n) for k in (count, n - count) if k > 0)


def _of_moments(old: CaseStatistics, new: CaseStatistics, before: Reading, after: Reading) -> float:
    centred = not any(" + " in r.law or "Range" in r.law for r in (before, after) if not r.parts)
    bounded = all(r.family == "uniform" or (r.cut or math.inf) <= 3 for r in (before, after))
    a, b = (_moments(c, centred, bounded) for c in (old, new))
    if a is None or b is None:
        return 0.0
    location = 0.0 if centred else _location(a, b, old, new, bounded)
    cuts = _CUTS if centred or bounded else (math.inf,)
    own = sum(max(families.log_likelihood([m], cut) for cut in cuts) for m in (a, b))
    both = _together(a, b)
    gain = own - max(families.log_likelihood([both], cut) for cut in cuts)
    spread = max(1.0, (both.kurtosis - 1) / 2)  # a mixture of scales, such as gates, varies more than a normal law
    return min(location, _chi_square(2 * gain / spread, _DEGREES))


def _moments(case: CaseStatistics, centred: bool, bounded: bool) -> Moments | None:
    """The sums about zero, or about the middle of the range or the mean; exact zeros of a sparse law left out."""
    n = round(case.n * (1 - (case.zeros if centred else 0.0)))
    if n < _ENOUGH:
        return None
    u = case.unit
    found = Moments(n, u * case.z1, u**2 * case.z2, u**4 * case.z4, max(-case.low, case.high), case.low, case.high)
    if centred:
        return found
    c = (case.low + case.high) / 2 if bounded else found.mean
    squares = found.squares - 2 * c * found.total + n * c * c
    return replace(
        found, total=n * c, squares=squares, fourth=3 * squares**2 / n, peak=max(case.high - c, c - case.low)
    )


def _together(a: Moments, b: Moments) -> Moments:
    return Moments(
        a.n + b.n, a.total + b.total, a.squares + b.squares, a.fourth + b.fourth,
        max(a.peak, b.peak), min(a.low, b.low), max(a.high, b.high),
    )  # fmt: skip


def _location(a: Moments, b: Moments, old: CaseStatistics, new: CaseStatistics, bounded: bool) -> float:
    """Two means of normal laws, or the middles of two ranges, whose ends are exponentially close to the limits."""
    gap = abs(a.mean - b.mean)
    if bounded:
        return min(0.0, math.log(4) - gap / (max(a.peak, b.peak) * (1 / old.n + 1 / new.n)))
    return _chi_square(gap**2 / (a.squares / a.n / a.n + b.squares / b.n / b.n), 1)


def _chi_square(statistic: float, degrees: int) -> float:
    """ln of the upper tail, by its leading term where the number itself underflows."""
    from scipy.special import gammaincc

    half = max(statistic, 0.0) / 2
    p = float(gammaincc(degrees / 2, half))
    return math.log(p) if p > 0 else -half + (degrees / 2 - 1) * math.log(half)
