"""Sums of waiting times, their shares, and a normal number over an estimate of its spread: curves as in `skewed`."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.skewed import (
    POSITIVE,
    REAL,
    Cauchy,
    Exponential,
    Gumbel,
    Laplace,
    Logistic,
    LogNormal,
    positive,
)
from varlaw.theory.variates.variate import floats, plain, real, require


@dataclass(frozen=True)
class Gamma:
    """The sum of `shape` waiting times, where that is a whole number: density x^(shape - 1) exp(-x) / Gamma(shape).

    shape: the mean, > 0.
    """

    shape: float

    support: ClassVar[tuple[float, float]] = POSITIVE

    def __post_init__(self) -> None:
        plain(self)
        positive("shape", self.shape, "Gamma")

    @property
    def mode(self) -> float:
        return max(self.shape - 1, 0.0)

    def cdf(self, x: Any) -> Floats:
        from scipy.special import gammainc

        return floats(gammainc(self.shape, np.maximum(floats(x), 0.0)))

    def survival(self, x: Any) -> Floats:
        from scipy.special import gammaincc

        return floats(gammaincc(self.shape, np.maximum(floats(x), 0.0)))

    def quantile(self, u: Any) -> Floats:
        from scipy.special import gammaincinv

        return floats(gammaincinv(self.shape, floats(u)))

    def logpdf(self, x: Any) -> Floats:
        inside = floats(x) > 0
        x = np.where(inside, floats(x), 1.0)
        return np.where(inside, (self.shape - 1) * np.log(x) - x - math.lgamma(self.shape), -math.inf)


@dataclass(frozen=True)
class Beta:
    """A share of a sum, X / (X + Y) for X ~ Gamma(a) and Y ~ Gamma(b); a, b > 1, where its density has one peak.

    a, b: shapes of the two sums, > 1.
    """

    a: float
    b: float

    support: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __post_init__(self) -> None:
        plain(self)
        for name in ("a", "b"):
            value = getattr(self, name)
            require(1 < real(value) < math.inf, name, value, "a finite number > 1", "Beta")

    @property
    def mode(self) -> float:
        return (self.a - 1) / (self.a + self.b - 2)

    def cdf(self, x: Any) -> Floats:
        from scipy.special import betainc

        return floats(betainc(self.a, self.b, np.clip(floats(x), 0.0, 1.0)))

    def survival(self, x: Any) -> Floats:
        from scipy.special import betaincc

        return floats(betaincc(self.a, self.b, np.clip(floats(x), 0.0, 1.0)))

    def quantile(self, u: Any) -> Floats:
        from scipy.special import betaincinv

        return floats(betaincinv(self.a, self.b, floats(u)))

    def logpdf(self, x: Any) -> Floats:
        from scipy.special import betaln

        inside = (floats(x) > 0) & (floats(x) < 1)
        x = np.where(inside, floats(x), 0.5)
        log = (self.a - 1) * np.log(x) + (self.b - 1) * np.log1p(-x) - float(betaln(self.a, self.b))
        return np.where(inside, log, -math.inf)


@dataclass(frozen=True)
class StudentT:
    """A normal number over an independent estimate of its standard deviation from `freedom` others.

    freedom: degrees of freedom, > 0.
    """

    freedom: float

    support: ClassVar[tuple[float, float]] = REAL
    mode: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        plain(self)
        positive("freedom", self.freedom, "StudentT")

    def cdf(self, x: Any) -> Floats:
        from scipy.special import stdtr

        return floats(stdtr(self.freedom, floats(x)))

    def survival(self, x: Any) -> Floats:
        return self.cdf(-floats(x))

    def quantile(self, u: Any) -> Floats:
        from scipy.special import stdtrit

        return floats(stdtrit(self.freedom, floats(u)))

    def logpdf(self, x: Any) -> Floats:
        from scipy.special import betaln

        square = np.minimum(np.abs(floats(x)), 1e150) ** 2 / self.freedom
        peak = -0.5 * math.log(self.freedom) - float(betaln(0.5, self.freedom / 2))
        return floats(peak - (self.freedom + 1) / 2 * np.log1p(square))


CURVES = (Exponential, Gumbel, Laplace, Logistic, Cauchy, LogNormal, Gamma, Beta, StudentT)
"""All of them."""
