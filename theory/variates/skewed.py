"""Laws of random numbers that are no weights: waiting times, extremes, heavy tails.

Each is a `Curve`: a distribution function with its tail, its inverse and its density, unimodal with its peak at `mode`.
Moments are left to whoever needs them; those of Cauchy's law do not exist. Where a law has a `scale` it is that of the
framework's own parametrisation at its default; rates are one over it.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.variate import floats, plain, real, require

REAL, POSITIVE = (-math.inf, math.inf), (0.0, math.inf)


@runtime_checkable
class Curve(Protocol):
    """A law of one number by its distribution function."""

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value, infinite where there is none."""
        ...

    def cdf(self, x: Any) -> Floats:
        """P(X <= x), of numbers `x`."""
        ...

    def survival(self, x: Any) -> Floats:
        """P(X > x), accurate where it is small, of numbers `x`."""
        ...

    def quantile(self, u: Any) -> Floats:
        """The smallest x with P(X <= x) >= u, of chances `u`."""
        ...


def positive(name: str, value: float, where: str) -> None:
    """Raise a one-line `ValueError` unless the value is finite and > 0."""
    require(0 < real(value) < math.inf, name, value, "a finite number > 0", where)


@dataclass(frozen=True)
class Exponential:
    """Waiting times: P(X > x) = exp(-x / scale).

    scale: the mean waiting time, > 0.

    >>> float(Exponential(2.0).survival(2.0)) == math.exp(-1)
    True
    """

    scale: float = 1.0

    support: ClassVar[tuple[float, float]] = POSITIVE
    mode: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        plain(self)
        positive("scale", self.scale, "Exponential")

    def cdf(self, x: Any) -> Floats:
        return -np.expm1(-np.maximum(floats(x), 0.0) / self.scale)

    def survival(self, x: Any) -> Floats:
        return np.exp(-np.maximum(floats(x), 0.0) / self.scale)

    def quantile(self, u: Any) -> Floats:
        return -self.scale * np.log1p(-floats(u))

    def logpdf(self, x: Any) -> Floats:
        x = floats(x)
        return np.where(x >= 0, -x / self.scale - math.log(self.scale), -math.inf)


@dataclass(frozen=True)
class Gumbel:
    """The largest of many waiting times: P(X <= x) = exp(-exp(-x)).

    >>> float(Gumbel().cdf(0.0)) == math.exp(-1)
    True
    """

    support: ClassVar[tuple[float, float]] = REAL
    mode: ClassVar[float] = 0.0

    def cdf(self, x: Any) -> Floats:
        return np.exp(-np.exp(np.minimum(-floats(x), 700.0)))

    def survival(self, x: Any) -> Floats:
        return -np.expm1(-np.exp(np.minimum(-floats(x), 700.0)))

    def quantile(self, u: Any) -> Floats:
        return -np.log(-np.log(floats(u)))

    def logpdf(self, x: Any) -> Floats:
        x = floats(x)
        return floats(np.where(x < -700, -np.inf, -x - np.exp(np.minimum(-x, 700.0))))  # below, e^-x is all there is


@dataclass(frozen=True)
class Laplace:
    """The difference of two waiting times, P(|X| > x) = exp(-x / scale).

    scale: the mean distance from 0, > 0.
    """

    scale: float = 1.0

    support: ClassVar[tuple[float, float]] = REAL
    mode: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        plain(self)
        positive("scale", self.scale, "Laplace")

    def cdf(self, x: Any) -> Floats:
        return self.survival(-floats(x))

    def survival(self, x: Any) -> Floats:
        x = floats(x)
        half = 0.5 * np.exp(-np.abs(x) / self.scale)
        return floats(np.where(x >= 0, half, 1 - half))

    def quantile(self, u: Any) -> Floats:
        u = floats(u)
        return floats(
            self.scale * np.where(u < 0.5, np.log(2 * np.minimum(u, 0.5)), -np.log(2 * np.minimum(1 - u, 0.5)))
        )

    def logpdf(self, x: Any) -> Floats:
        return -np.abs(floats(x)) / self.scale - math.log(2 * self.scale)


@dataclass(frozen=True)
class Logistic:
    """The logit of a uniform number: P(X <= x) = 1 / (1 + exp(-x))."""

    support: ClassVar[tuple[float, float]] = REAL
    mode: ClassVar[float] = 0.0

    def cdf(self, x: Any) -> Floats:
        from scipy.special import expit

        return floats(expit(floats(x)))

    def survival(self, x: Any) -> Floats:
        return self.cdf(-floats(x))

    def quantile(self, u: Any) -> Floats:
        from scipy.special import logit

        return floats(logit(floats(u)))

    def logpdf(self, x: Any) -> Floats:
        size = np.abs(floats(x))
        return floats(-size - 2 * np.log1p(np.exp(-size)))


@dataclass(frozen=True)
class Cauchy:
    """The tangent of a uniform angle: P(X <= x) = 1/2 + atan(x) / pi. It has no mean."""

    support: ClassVar[tuple[float, float]] = REAL
    mode: ClassVar[float] = 0.0

    def cdf(self, x: Any) -> Floats:
        return self.survival(-floats(x))

    def survival(self, x: Any) -> Floats:
        return np.arctan2(1.0, floats(x)) / math.pi

    def quantile(self, u: Any) -> Floats:
        u = floats(u)
        return floats(np.where(u < 0.5, -1.0, 1.0) / np.tan(math.pi * np.minimum(u, 1 - u)))

    def logpdf(self, x: Any) -> Floats:
        return floats(-np.log1p(np.minimum(np.abs(floats(x)), 1e150) ** 2) - math.log(math.pi))


@dataclass(frozen=True)
class LogNormal:
    """exp(std z), z a standard normal number.

    std: standard deviation of the logarithm, > 0.
    """

    std: float = 1.0

    support: ClassVar[tuple[float, float]] = POSITIVE

    def __post_init__(self) -> None:
        plain(self)
        positive("std", self.std, "LogNormal")

    @property
    def mode(self) -> float:
        return math.exp(-(self.std**2))

    def _z(self, x: Any) -> Floats:
        with np.errstate(divide="ignore"):
            return floats(np.log(np.maximum(floats(x), 0.0)) / self.std)

    def cdf(self, x: Any) -> Floats:
        from scipy.special import ndtr

        return floats(ndtr(self._z(x)))

    def survival(self, x: Any) -> Floats:
        from scipy.special import ndtr

        return floats(ndtr(-self._z(x)))

    def quantile(self, u: Any) -> Floats:
        from scipy.special import ndtri

        return np.exp(self.std * floats(ndtri(floats(u))))

    def logpdf(self, x: Any) -> Floats:
        inside = floats(x) > 0
        log = np.log(np.where(inside, floats(x), 1.0))
        bell = -0.5 * (log / self.std) ** 2 - log - math.log(self.std * math.sqrt(2 * math.pi))
        return np.where(inside, bell, -math.inf)
