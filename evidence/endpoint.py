"""Bounded laws, decided by the maximum: cost 1/delta where a variance needs 1/delta^2.

A value beyond the support refutes the law outright. A limit that is too small is refuted by the e-process
1{max <= c} / G(c)^n with G(c) = P(|x| <= c), averaged over a grid of c; a limit too large by delta is excluded once n
draws without exceedance would be too lucky. Low precision is part of the law, not of a tolerance: a number x of the
law is seen rounded to the format's grid, so the largest lawful value is the rounded limit, and an exceedance of c means
that x lay beyond the end of c's rounding cell.

The maximum certifies the *support*. That the density on it is the right one is for the battery to say.
"""

import math

from varlaw.evidence.rounding import Format
from varlaw.evidence.state import State
from varlaw.theory.variates import TruncatedNormal, Uniform

Bounded = Uniform | TruncatedNormal

_SIDES = 30  # grid of the displayed interval: c = 1 - 2^-j, j = 1..30


def limit(law: Bounded, fmt: Format) -> float:
    """Largest lawful |x| once rounded to `fmt`; wide formats get the two roundings of computing the limit itself."""
    return _seen(law.bound, fmt)


def violation(law: Bounded, state: State, delta: float, fmt: Format) -> float:
    """Log e-value against the law: inf beyond the support, else that of a support too small by 1 + delta 2^j."""
    if state.peak > limit(law, fmt):
        return math.inf
    cuts, d = [], delta
    while d < 1000:
        cuts.append(law.bound / (1 + d))
        d *= 2
    logs = [_log_no_exceedance(law, cut, state, fmt) for cut in cuts]
    largest = max(logs)
    if largest == -math.inf:
        return largest
    return largest + math.log(sum(math.exp(x - largest) for x in logs) / len(cuts))


def conformity(law: Bounded, state: State, delta: float, fmt: Format) -> float:
    """Log evidence against a limit wrong by 1 + delta or more; -inf while no draw has passed limit / (1 + delta)."""
    if not _seen(law.bound / (1 + delta), fmt) < state.peak <= limit(law, fmt):
        return -math.inf
    return -state.n * math.log(_unseen_excess(law, delta, fmt))


def cap(law: Bounded, delta: float, alpha: float, beta: float, fmt: Format) -> int:
    """Samples after which looking on is in vain: twice what a limit wrong by `delta` needs to be refuted or excluded.

    Where the format is too coarse to show `delta` at all, the smallest 2^k delta that it can show is taken.
    """
    chance = sight(law, delta, fmt)
    if chance <= 0:
        return cap(law, 2 * delta, alpha, beta, fmt)
    return math.ceil(2 * math.log(max(1 / beta, 20 / alpha)) / -math.log1p(-chance))


def sight(law: Bounded, delta: float, fmt: Format) -> float:
    """The chance that one draw tells a limit wrong by `delta`, either way, from the law; 0 below the format's grid."""
    return 1 - max(_unseen_excess(law, delta, fmt), _below(law, fmt.cell_end(_seen(law.bound / (1 + delta), fmt))))


def certified(law: Bounded, state: State, beta: float, fmt: Format) -> float | None:
    """Smallest delta at which these draws would conform at risk beta; None when not even a factor of 1,000 would."""
    threshold, low, high = math.log(1 / beta), 0.0, 999.0
    if conformity(law, state, high, fmt) < threshold:
        return None
    while high - low > 1e-6 * high:  # six digits are more than anybody reads
        middle = math.expm1((math.log1p(low) + math.log1p(high)) / 2)
        good = conformity(law, state, middle, fmt) >= threshold
        low, high = (low, middle) if good else (middle, high)
    return high


def interval(law: Bounded, state: State, gamma: float, fmt: Format) -> tuple[float, float]:
    """Always-valid interval for (true limit) / (lawful limit): from the largest value seen to what luck would allow.

    The largest value stands for its whole rounding cell.
    """
    half = fmt.spacing(state.peak) / 2
    lowest, highest = (state.peak - half) / law.bound, (state.peak + half) / law.bound
    for j in range(_SIDES, 0, -1):
        c = 1 - 2.0**-j
        if -state.n * math.log(_below(law, c * law.bound)) >= math.log(_SIDES / gamma):
            return lowest, highest / c
    return lowest, math.inf


def _seen(cut: float, fmt: Format) -> float:
    """Largest grid value that draws up to `cut` may show; wide formats get two roundings for computing the limit."""
    rounded = fmt.round(cut)
    return rounded + 2 * fmt.spacing(rounded) if fmt.digits >= 24 else rounded


def _unseen_excess(law: Bounded, delta: float, fmt: Format) -> float:
    """Probability that one draw of the law times 1 + delta stays within the rounding cell of the lawful limit."""
    return _below(law, fmt.cell_end(limit(law, fmt)) / (1 + delta))


def _log_no_exceedance(law: Bounded, cut: float, state: State, fmt: Format) -> float:
    seen = _seen(cut, fmt)
    return -math.inf if state.peak > seen else -state.n * math.log(_below(law, fmt.cell_end(seen)))


def _below(law: Bounded, c: float) -> float:
    return float(law.abs_cdf(c))
