"""Laws of whole numbers: signs of chance, counts, categories, ranges.

`values` are all that a law gives, where they are few enough to be listed; beyond `LISTED` of them it lists none and is
known by its distribution function alone.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.variate import floats, plain, real, require

LISTED = 256


def _share(name: str, value: float, where: str) -> None:
    require(0 < real(value) < 1, name, value, "> 0 and < 1", where)


def _smallest(law: Any, u: Any, first: float) -> Floats:
    """The smallest whole number with P(X <= x) >= u, by doubling and bisection from `first`."""
    u = floats(u)
    low, high = np.full(u.shape, first - 1), np.full(u.shape, first + 1)
    while (short := law.cdf(high) < u).any():
        high = np.where(short, 2 * high + 1, high)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = law.cdf(middle) >= u
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


@dataclass(frozen=True)
class Geometric:
    """Trials until the first success, that one counted: P(X > k) = (1 - p)^k.

    p: chance of success, in (0, 1).

    >>> float(Geometric(0.25).survival(2))
    0.5625
    """

    p: float

    support: ClassVar[tuple[float, float]] = (1.0, math.inf)

    def __post_init__(self) -> None:
        plain(self)
        _share("p", self.p, "Geometric")

    def cdf(self, x: Any) -> Floats:
        return -np.expm1(np.maximum(np.floor(floats(x)), 0.0) * math.log1p(-self.p))

    def survival(self, x: Any) -> Floats:
        return np.exp(np.maximum(np.floor(floats(x)), 0.0) * math.log1p(-self.p))

    def quantile(self, u: Any) -> Floats:
        return _smallest(self, u, 1.0)


@dataclass(frozen=True)
class Poisson:
    """Events at `rate` in a unit of time.

    rate: the mean, > 0.
    """

    rate: float

    support: ClassVar[tuple[float, float]] = (0.0, math.inf)

    def __post_init__(self) -> None:
        plain(self)
        require(0 < real(self.rate) < math.inf, "rate", self.rate, "a finite number > 0", "Poisson")

    def cdf(self, x: Any) -> Floats:
        from scipy.special import gammaincc

        k = np.floor(floats(x))
        return np.where(k < 0, 0.0, gammaincc(np.maximum(k, 0.0) + 1, self.rate))

    def survival(self, x: Any) -> Floats:
        from scipy.special import gammainc

        k = np.floor(floats(x))
        return np.where(k < 0, 1.0, gammainc(np.maximum(k, 0.0) + 1, self.rate))

    def quantile(self, u: Any) -> Floats:
        return _smallest(self, u, 0.0)


@dataclass(frozen=True)
class Binomial:
    """Successes in n trials of chance p each; n = 1 is Bernoulli's law.

    n: number of trials.
    p: chance of each, in (0, 1).

    >>> [float(p) for p in Binomial(1, 0.25).cdf([0, 1])]
    [0.75, 1.0]
    """

    n: int
    p: float

    def __post_init__(self) -> None:
        plain(self)
        require(real(self.n) >= 1 and self.n == int(self.n), "n", self.n, "a whole number >= 1", "Binomial")
        _share("p", self.p, "Binomial")

    @property
    def support(self) -> tuple[float, float]:
        return (0.0, float(self.n))

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(map(float, range(self.n + 1))) if self.n < LISTED else ()

    def cdf(self, x: Any) -> Floats:
        return 1 - self.survival(x)

    def survival(self, x: Any) -> Floats:
        from scipy.special import betainc

        k = np.floor(floats(x))
        inside = betainc(np.clip(k, 0, self.n - 1) + 1, self.n - np.clip(k, 0, self.n - 1), self.p)
        return np.where(k < 0, 1.0, np.where(k >= self.n, 0.0, inside))

    def quantile(self, u: Any) -> Floats:
        return _smallest(self, u, 0.0)


@dataclass(frozen=True, init=False)
class Categorical:
    """0, 1, 2, ... with chances in the proportion of the weights given; one of 0 never comes up.

    weights: one number >= 0 for each value, in any proportion.

    >>> [float(p) for p in Categorical(1, 0, 3).cdf([0, 1, 2])]
    [0.25, 0.25, 1.0]
    """

    weights: tuple[float, ...]

    def __init__(self, *weights: float) -> None:
        good = len(weights) > 1 and all(0 <= real(w) < math.inf for w in weights) and sum(weights) > 0
        require(good, "weights", weights, "two numbers >= 0 or more, not all of them 0", "Categorical")
        object.__setattr__(self, "weights", tuple(map(float, weights)))

    @property
    def support(self) -> tuple[float, float]:
        return (0.0, float(len(self.weights) - 1))

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(float(k) for k, w in enumerate(self.weights) if w) if len(self.weights) <= LISTED else ()

    def _sums(self, weights: tuple[float, ...], k: Any) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(weights)])
        return floats(sums[np.clip(floats(k), 0, len(weights)).astype(np.int64)] / math.fsum(weights))

    def cdf(self, x: Any) -> Floats:
        return self._sums(self.weights, np.floor(floats(x)) + 1)

    def survival(self, x: Any) -> Floats:
        return self._sums(self.weights[::-1], len(self.weights) - 1 - np.floor(floats(x)))

    def quantile(self, u: Any) -> Floats:
        return _smallest(self, u, 0.0)


@dataclass(frozen=True)
class Integers:
    """Whole numbers from `low` on below `high`, all as likely.

    low, high: the first number, and the first that is not reached.

    >>> float(Integers(0, 4).cdf(0))
    0.25
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        plain(self)
        whole = self.low == int(self.low) and self.high == int(self.high) and self.low < self.high
        require(whole, "low, high", (self.low, self.high), "whole numbers and low < high", "Integers")

    @property
    def support(self) -> tuple[float, float]:
        return (float(self.low), float(self.high - 1))

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(map(float, range(self.low, self.high))) if self.high - self.low <= LISTED else ()

    def cdf(self, x: Any) -> Floats:
        return np.clip((np.floor(floats(x)) - self.low + 1) / (self.high - self.low), 0.0, 1.0)

    def survival(self, x: Any) -> Floats:
        return np.clip((self.high - 1 - np.floor(floats(x))) / (self.high - self.low), 0.0, 1.0)

    def quantile(self, u: Any) -> Floats:
        return floats(np.clip(self.low + np.ceil(floats(u) * (self.high - self.low)) - 1, self.low, self.high - 1))


COUNTS = (Geometric, Poisson, Binomial, Categorical, Integers)
"""All of them."""
