"""Scale of a normal law, decided by likelihood ratios and, at the cap, by the exact chi-square test.

Notation: z is an entry over the predicted standard deviation, r the true std over the predicted one, S2 = sum z^2.
The log likelihood of r is l(r) = -n ln r - S2 / (2 r^2). Guarantees, for n looked at as often as one likes:

* VIOLATES with probability at most alpha when |ln r| <= eps0 (the null band of the dtype's rounding);
* CONFORMS with probability at most beta when r >= 1 + delta or r <= 1 / (1 + delta);
* at n = `cap` the exact test decides what the sequential ones left open. (A decision may draw on to the cap of the
  mean: see `mean`.)

The shares of both risks are those of `spending`. (The terminal limits widen by eps0, the power is reckoned without:
where eps0 is largest, at delta 0.1 % in bfloat16, it misses 0.32 beta.) Measured mean n when correct:
18.7 / delta^2 at beta = 1e-6 against 59.6 / delta^2 for a fixed-n exact test.
"""

import functools
import math
from collections.abc import Callable

import numpy as np

from varlaw.evidence.spending import SCALE_ALPHA, SCALE_BETA, threshold


def log_likelihood(r: float, n: int, squares: float) -> float:
    """l(r) up to a constant, in nats."""
    return -n * math.log(r) - squares / (2 * r * r)


def violation(n: int, squares: float, delta: float, eps0: float = 0.0) -> float:
    """Log e-value against |ln r| <= eps0: a mixture of likelihood ratios at 1 + d and 1 / (1 + d).

    The grid d = delta 4^j (up to 2) makes gross errors cheap to find; its first point carries most of the weight.
    By the monotone likelihood ratio each term is an e-process for every r in the band, not only at its edge.
    """
    steps, weights = _grid(delta)
    upper = [log_likelihood(1 + d, n, squares) - log_likelihood(math.exp(eps0), n, squares) for d in steps]
    lower = [log_likelihood(1 / (1 + d), n, squares) - log_likelihood(math.exp(-eps0), n, squares) for d in steps]
    return float(np.logaddexp.reduce(np.array(upper + lower) + np.log(weights + weights)))


def conformity(n: int, squares: float, delta: float) -> float:
    """The weaker of the log e-values against r >= 1 + delta and against r <= 1 / (1 + delta)."""
    at_one = log_likelihood(1.0, n, squares)
    return min(
        at_one - log_likelihood(1 + delta, n, squares),
        at_one - log_likelihood(1 / (1 + delta), n, squares),
    )


def passing(beta: float) -> float:
    """Log e-value, in nats, at which `conformity` is settled: the sequential tests' share of `beta`, inverted."""
    return threshold(beta, SCALE_BETA["sequential"])


@functools.cache
def cap(delta: float, alpha: float, beta: float) -> int:
    """Smallest n at which the exact chi-square test has its power at 1 + delta and at 1 / (1 + delta)."""
    low, high = 1, 2
    while not _has_power(high, delta, alpha, beta):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _has_power(middle, delta, alpha, beta) else (middle, high)
    return high


def terminal_limits(n: int, alpha: float, eps0: float = 0.0) -> tuple[float, float]:
    """Limits of S2 outside which the exact test, at half of its share of alpha a side, refutes |ln r| <= eps0."""
    from scipy.special import gammainccinv, gammaincinv

    side = SCALE_ALPHA["terminal"] * alpha / 2
    low, high = 2 * gammaincinv(n / 2, side), 2 * gammainccinv(n / 2, side)
    return float(low) * math.exp(-2 * eps0), float(high) * math.exp(2 * eps0)


def interval(n: int, squares: float, gamma: float) -> tuple[float, float]:
    """Always-valid interval for r: it misses the truth with probability at most gamma, over all looks together.

    A conjugate mixture: {r : ln m(n, S2) - l(r) < ln(1/gamma)}, with m the marginal likelihood when 1/r^2 has a
    Gamma(a, a) prior, averaged over a = 1, 50, 5e3, 5e5 so that no sample size is favoured.
    """
    if n == 0 or squares == 0:
        return 0.0, math.inf
    level = _log_marginal(n, squares) - math.log(1 / gamma)
    peak = math.sqrt(squares / n)
    return _crossing(n, squares, level, peak, 0.5), _crossing(n, squares, level, peak, 2.0)


def certified(n: int, squares: float, beta: float) -> float | None:
    """Smallest delta at which these sums would conform at risk beta; None below any use (a factor of 1,000)."""
    return smallest(lambda delta: conformity(n, squares, delta), passing(beta))


def smallest(log_e: Callable[[float], float], threshold: float) -> float | None:
    """The smallest delta of which the log e-value reaches the threshold, or None where that of 999 does not."""
    low, high = 0.0, 999.0
    if log_e(high) < threshold:
        return None
    while high - low > 1e-6 * high:  # six digits are more than anybody reads
        middle = math.expm1((math.log1p(low) + math.log1p(high)) / 2)
        low, high = (low, middle) if log_e(middle) >= threshold else (middle, high)
    return high


@functools.cache
def _grid(delta: float) -> tuple[list[float], list[float]]:
    steps = [delta]
    while steps[-1] * 4 <= 2:
        steps.append(steps[-1] * 4)
    others = len(steps) - 1
    raw = [1.0] + [1 / (4 * others)] * others if others else [1.0]  # beyond delta 1/2 there is no coarser error
    return steps, [w / (2 * sum(raw)) for w in raw]


def _has_power(n: int, delta: float, alpha: float, beta: float) -> bool:
    from scipy.special import gammainc, gammaincc

    low, high = terminal_limits(n, alpha)
    missed_above = gammainc(n / 2, high / (2 * (1 + delta) ** 2))
    missed_below = gammaincc(n / 2, low * (1 + delta) ** 2 / 2)
    return bool(max(missed_above, missed_below) <= SCALE_BETA["terminal"] * beta)


def _log_marginal(n: int, squares: float) -> float:
    from scipy.special import betaln, gammaln

    a = np.array([2, 1e2, 1e4, 1e6]) / 2
    # a ln a - (a + n/2) ln(a + S2/2) + ln Gamma(a + n/2) - ln Gamma(a); the gammas through the beta function keep
    # their difference accurate when a or n is large.
    gammas = gammaln(n / 2) - betaln(a, n / 2)
    logs = gammas - (n / 2) * np.log(a + squares / 2) - a * np.log1p(squares / (2 * a))
    return float(np.logaddexp.reduce(logs) - math.log(len(a)))


def _crossing(n: int, squares: float, level: float, inside: float, factor: float) -> float:
    """Where l(r) falls to `level` on the side of the peak that `factor` points to, to 1e-9 relative."""
    outside = inside * factor
    while log_likelihood(outside, n, squares) > level:
        outside *= factor
    while math.isfinite(outside) and abs(outside / inside - 1) > 1e-9:
        middle = math.sqrt(inside) * math.sqrt(outside)  # their product may be infinite
        inside, outside = (middle, outside) if log_likelihood(middle, n, squares) > level else (inside, middle)
    return outside
