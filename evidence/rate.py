"""Probability of an event, decided by likelihood ratios and, at the cap, by the exact binomial test.

Notation: k hits in n trials, p the lawful probability, l(q) = k ln q + (n - k) ln(1 - q) the log likelihood of q.
Whether a trial is made at all may depend on the past (the entry after a dropped one, say): exp(l(q) - l(p)) stays a
martingale. Guarantees, for n looked at as often as one likes:

* VIOLATES with probability at most alpha when |q - p| <= band, the null band of the sampler's own arithmetic;
* CONFORMS with probability at most beta when q >= (1 + delta) p or q <= p / (1 + delta);
* `cap` trials are enough for the exact test, which decides what the sequential ones left open.

The shares of alpha and beta are those of `spending`.
"""

import functools
import math

import msgspec
import numpy as np

from varlaw.evidence.budget import Policy
from varlaw.evidence.spending import RATE_ALPHA, RATE_BETA, threshold


class Tally(msgspec.Struct, frozen=True):
    """Trials and hits; tallies of separate draws add.

    >>> Tally(4, 1) + Tally(6, 2)
    Tally(n=10, hits=3)
    """

    n: int = 0
    hits: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.n + other.n, self.hits + other.hits)


def log_likelihood(q: float, t: Tally) -> float:
    """l(q), in nats; -inf where q forbids what was seen."""
    hits = t.hits * math.log(q) if q > 0 else (0.0 if t.hits == 0 else -math.inf)
    misses = (t.n - t.hits) * math.log1p(-q) if q < 1 else (0.0 if t.hits == t.n else -math.inf)
    return hits + misses


def violation(t: Tally, p: float, delta: float, band: float = 0.0) -> float:
    """Log e-value against |q - p| <= band: a mixture of likelihood ratios at p (1 + d) and p / (1 + d).

    The grid d = delta 4^j makes gross errors cheap to find; by the monotone likelihood ratio each term is an e-process
    for every q of the band. Inf where what was seen cannot be.
    """
    low, high = max(p - band, 0.0), min(p + band, 1.0)
    steps, weights = _grid(p, delta)
    logs = [_ratio(min(p * (1 + d), (1 + p) / 2), high, t) for d in steps] + [
        _ratio(p / (1 + d), low, t) for d in steps
    ]
    return float(np.logaddexp.reduce(np.array(logs) + np.log(weights + weights)))


def _ratio(q: float, p: float, t: Tally) -> float:
    lawful = log_likelihood(p, t)
    return math.inf if lawful == -math.inf else log_likelihood(q, t) - lawful


def conformity(t: Tally, p: float, delta: float) -> float:
    """The weaker of the log e-values against q >= (1 + delta) p and against q <= p / (1 + delta)."""
    lawful = log_likelihood(p, t)
    above = lawful - log_likelihood(p * (1 + delta), t) if p * (1 + delta) < 1 else math.inf
    return min(above, lawful - log_likelihood(p / (1 + delta), t))


@functools.cache
def cap(p: float, delta: float, alpha: float, beta: float) -> int:
    """Trials at which the exact test has its power at (1 + delta) p and at p / (1 + delta).

    By the normal approximation with a tenth on top, which the tests compare with the exact power.
    """
    from scipy.special import ndtri

    found, missed = -float(ndtri(RATE_ALPHA["terminal"] * alpha / 2)), -float(ndtri(RATE_BETA["terminal"] * beta))
    needed = []
    for q in (min(p * (1 + delta), (1 + p) / 2), p / (1 + delta)):
        spread = found * math.sqrt(p * (1 - p)) + missed * math.sqrt(q * (1 - q))
        needed.append((spread / (q - p)) ** 2)
    return math.ceil(1.1 * max(needed) + 100)


def refuted(t: Tally, p: float, alpha: float, band: float = 0.0) -> bool:
    """Whether the exact binomial test, at half of its share of alpha a side, refutes every |q - p| <= band."""
    from scipy.special import bdtr, bdtrc

    low, high = max(p - band, 0.0), min(p + band, 1.0)
    side = RATE_ALPHA["terminal"] * alpha / 2
    too_few = bdtr(t.hits, t.n, low) < side and t.hits < low * t.n
    too_many = t.hits > high * t.n and bdtrc(t.hits - 1, t.n, high) < side
    return bool(too_few or too_many)


def interval(t: Tally, gamma: float) -> tuple[float, float]:
    """Always-valid interval for q: the q whose likelihood a Beta(1/2, 1/2) mixture does not exceed 1/gamma times."""
    from scipy.special import betaln

    if t.n == 0:
        return 0.0, 1.0
    level = float(betaln(t.hits + 0.5, t.n - t.hits + 0.5) - betaln(0.5, 0.5)) - math.log(1 / gamma)
    peak = t.hits / t.n
    return _crossing(t, level, peak, 0.0), _crossing(t, level, peak, 1.0)


def _crossing(t: Tally, level: float, inside: float, outside: float) -> float:
    """Where l(q) falls to `level` between the peak and the end of the range, by bisection."""
    if log_likelihood(outside, t) >= level:
        return outside
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if log_likelihood(middle, t) > level else (inside, middle)
    return outside


def outcome(t: Tally, p: float, policy: Policy, band: float = 0.0) -> str:
    """The outcome so far, VIOLATES, CONFORMS or UNDECIDED; at the cap the exact test decides."""
    if violation(t, p, policy.delta, band) >= threshold(policy.alpha, RATE_ALPHA["sequential"]):
        return "VIOLATES"
    if conformity(t, p, policy.delta) >= threshold(policy.beta, RATE_BETA["sequential"]):
        return "CONFORMS"
    if t.n < cap(p, policy.delta, policy.alpha, policy.beta):
        return "UNDECIDED"
    return "VIOLATES" if refuted(t, p, policy.alpha, band) else "CONFORMS"


@functools.cache
def _grid(p: float, delta: float) -> tuple[list[float], list[float]]:
    steps = [delta]
    while steps[-1] < 64:
        steps.append(steps[-1] * 4)
    others = len(steps) - 1
    raw = [1.0] + [1 / (4 * others)] * others
    return steps, [w / (2 * sum(raw)) for w in raw]
