"""Single values: how many different ones a sampler gives, and whether one comes up too often.

A variance says nothing of a coarse grid, of a share of exact zeros or of entries that sit on a limit. Under a law
rounded to a format each value has a known probability p, to which `POINT` is added, for uniform numbers of 24 bits give
no value more often. Both statements are exact in finite samples:

* the number D of different values among n is a sum of negatively associated indicators (Dubhashi and Ranjan 1998), so
  with V, the sum of their variances, P(D <= E D - V u) <= exp(-V ((1 + u) ln(1 + u) - u)) (Bennett): values that come
  up all but surely add nothing to V;
* a value of probability p comes up c > n p times with probability at most exp(-n KL(c/n || p)).
"""

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.formats import Format
from varlaw.evidence.grid import POINT, likeliest

Floats = NDArray[np.float64]


class Atoms(msgspec.Struct, frozen=True):
    """What n draws say of single values, against a law rounded to a format."""

    n: int
    distinct: int
    expected: float  # at least so many different values are expected
    fewest: float  # and no fewer than so many are lawful
    value: float  # the value that comes up more often than it should, or most often
    count: int
    most: float  # lawful count of that value

    @property
    def lawful(self) -> bool:
        """Whether neither statement is violated."""
        return self.distinct >= self.fewest and self.count <= self.most


def atoms(law: Any, fmt: Format, draws: Floats, alpha: float) -> Atoms:
    """Weigh `draws` (any shape, exact numbers of `fmt`) against `law` at risk alpha for both statements together."""
    values, counts = np.unique(draws.ravel(), return_counts=True)
    n = int(counts.sum())
    expected, variance = _expected_distinct(law, fmt, n)
    fewest = expected - _fewer(variance, math.log(2 / alpha))
    p = _probabilities(law, fmt, values)
    level = math.log(2 * len(values) / alpha) / n
    excess = np.where(counts > n * p, divergence(counts / n, p), 0.0)
    worst = int(np.argmax(excess)) if excess.max() > level else int(np.argmax(counts))
    return Atoms(n, len(values), expected, fewest, float(values[worst]), int(counts[worst]), n * most(p[worst], level))


def _probabilities(law: Any, fmt: Format, values: Floats) -> Floats:
    """Upper bounds on the probability of each value; at the ends of a support twice the cell, however it was cut."""
    low, high = fmt.cells(values)
    p = np.maximum(law.cdf(high) - law.cdf(low), 0.0)
    least, most = (fmt.round(end) for end in law.support)
    ends = (values <= least) | (values >= most)
    bounded: Floats = np.minimum(np.where(ends, 2 * p + 1e-4, p) + POINT, 1.0)
    return bounded


def _expected_distinct(law: Any, fmt: Format, n: int) -> tuple[float, float]:
    """At least so many different values are expected, and at most the sum of the variances of their indicators.

    Not the ends of a support: a half-open interval may lack them.
    """
    if fmt.digits >= 24:
        point = max(POINT, min(likeliest(law, fmt), 0.5))
        expected = -math.expm1(n * math.log1p(-point)) / point
        return expected, expected
    values = fmt.finite()
    low, high = fmt.cells(values)
    least, most = (fmt.round(end) for end in law.support)
    p = np.where((values > least) & (values < most), np.clip(law.cdf(high) - law.cdf(low), 0.0, 1.0), 0.0)
    missing = np.exp(n * np.log1p(-np.minimum(p, 1 - 1e-15)))
    return float((1 - missing).sum()), float((missing * (1 - missing)).sum())


def _fewer(variance: float, level: float) -> float:
    """By how much a sum of negatively associated indicators stays behind its mean with a chance of exp(-level).

    >>> round(_fewer(1000.0, 28.0), 1), _fewer(0.0, 28.0)
    (245.8, 0.0)
    """
    from scipy.special import lambertw

    if variance < 1e-300:  # flat limit
        return 0.0
    return variance * math.expm1(1 + float(lambertw((level / variance - 1) / math.e).real))


def divergence(q: Floats, p: Floats) -> Floats:
    """KL divergence of coins, q || p, in nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        hits = np.where(q > 0, q * np.log(q / p), 0.0)
        misses = np.where(q < 1, (1 - q) * (np.log1p(-q) - np.log1p(-p)), 0.0)
    kl: Floats = hits + misses
    return kl


def most(p: float, level: float) -> float:
    """The share above p at which the divergence reaches `level`, by bisection."""
    low, high = p, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = float(divergence(np.array([middle]), np.array([p]))[0]) < level
        low, high = (middle, high) if below else (low, middle)
    return high
