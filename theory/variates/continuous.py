"""Normal and uniform laws of one entry."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.variate import Moments, Scalable, checked_scale, floats, plain, real, require

LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Normal(Moments):
    """N(mean, std**2).

    std: standard deviation, > 0.
    mean: its centre.

    >>> Normal(0.02).variance
    0.0004
    """

    std: float
    mean: float = 0.0

    family: ClassVar[str] = "normal"
    kurtosis: ClassVar[float] = 3.0
    support: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def __post_init__(self) -> None:
        plain(self)
        require(0 < real(self.std) < math.inf, "std", self.std, "a finite number > 0", "Normal")
        require(math.isfinite(real(self.mean)), "mean", self.mean, "a finite number", "Normal")

    @property
    def variance(self) -> float:
        return self.std**2

    def cdf(self, x: Any) -> Floats:
        from scipy.special import ndtr

        return floats(ndtr((floats(x) - self.mean) / self.std))

    def survival(self, x: Any) -> Floats:
        from scipy.special import ndtr

        return floats(ndtr((self.mean - floats(x)) / self.std))

    def logpdf(self, x: Any) -> Floats:
        z = (floats(x) - self.mean) / self.std
        return floats(-0.5 * z * z - (LOG_SQRT_TWO_PI + math.log(self.std)))

    def abs_cdf(self, c: Any) -> Floats:
        from scipy.special import erf

        c = np.maximum(floats(c), 0.0)
        if self.mean == 0:
            return floats(erf(c / (self.std * math.sqrt(2))))
        return self.cdf(c) - self.cdf(-c)

    def quantile(self, u: Any) -> Floats:
        from scipy.special import ndtri

        return floats(self.mean + self.std * ndtri(floats(u)))

    def scaled(self, factor: float) -> "Normal":
        return Normal(checked_scale(factor) * self.std, factor * self.mean)


@dataclass(frozen=True)
class UniformRange(Moments):
    """Uniform on `[low, high]`.

    low, high: the ends, finite and low < high.

    >>> UniformRange(0.0, 1.0).variance == 1 / 12
    True
    """

    low: float
    high: float

    family: ClassVar[str] = "uniform"
    kurtosis: ClassVar[float] = 1.8

    def __post_init__(self) -> None:
        plain(self)
        require(
            -math.inf < real(self.low) < real(self.high) < math.inf,
            "low, high",
            (self.low, self.high),
            "finite and low < high",
            "UniformRange",
        )

    @property
    def support(self) -> tuple[float, float]:
        return (self.low, self.high)

    @property
    def mean(self) -> float:
        return 0.5 * self.low + 0.5 * self.high

    @property
    def variance(self) -> float:
        return (self.high - self.low) ** 2 / 12

    @property
    def std(self) -> float:
        return (self.high - self.low) / math.sqrt(12)

    def cdf(self, x: Any) -> Floats:
        return np.clip((floats(x) - self.low) / (self.high - self.low), 0.0, 1.0)

    def survival(self, x: Any) -> Floats:
        return np.clip((self.high - floats(x)) / (self.high - self.low), 0.0, 1.0)

    def logpdf(self, x: Any) -> Floats:
        x = floats(x)
        return np.where((x >= self.low) & (x <= self.high), -math.log(self.high - self.low), -math.inf)

    def abs_cdf(self, c: Any) -> Floats:
        c = np.maximum(floats(c), 0.0)
        return np.maximum(self.cdf(c) - self.cdf(-c), 0.0)

    def quantile(self, u: Any) -> Floats:
        u = floats(u)
        return floats(self.low * (1 - u) + self.high * u)

    def scaled(self, factor: float) -> "UniformRange":
        return UniformRange(checked_scale(factor) * self.low, factor * self.high)


@dataclass(frozen=True, init=False)
class Uniform(Scalable):
    """Uniform on `[-bound, bound]`, of variance `bound**2 / 3`; from one end to another it is a `UniformRange`.

    bound: the larger end, > 0.

    >>> Uniform(3.0).variance, Uniform.with_std(1.0).bound == 3**0.5
    (3.0, True)
    """

    bound: float

    family: ClassVar[str] = "uniform"
    mean: ClassVar[float] = 0.0
    kurtosis: ClassVar[float] = 1.8
    atoms: ClassVar[tuple[tuple[float, float], ...]] = ()

    def __init__(self, bound: float, *other: float) -> None:
        if other:
            ends = ", ".join(" ".join(repr(x).split())[:100] for x in (bound, *other))
            range_ = f"UniformRange({ends})"
            msg = f"Uniform takes one number, its bound on both sides of 0; between two ends write {range_} [Uniform]"
            raise TypeError(msg)
        require(0 < real(bound) < math.inf, "bound", bound, "a finite number > 0", "Uniform")
        object.__setattr__(self, "bound", bound)

    @classmethod
    def with_std(cls, std: float) -> Self:
        """The symmetric uniform law of standard deviation `std`."""
        return cls(math.sqrt(3) * std)

    @property
    def support(self) -> tuple[float, float]:
        return (-self.bound, self.bound)

    @property
    def variance(self) -> float:
        return self.bound**2 / 3

    @property
    def second_moment(self) -> float:
        return self.variance

    @property
    def std(self) -> float:
        return self.bound / math.sqrt(3)

    def cdf(self, x: Any) -> Floats:
        return np.clip(0.5 + 0.5 * (floats(x) / self.bound), 0.0, 1.0)

    def survival(self, x: Any) -> Floats:
        return np.clip(0.5 - 0.5 * (floats(x) / self.bound), 0.0, 1.0)

    def logpdf(self, x: Any) -> Floats:
        return np.where(np.abs(floats(x)) <= self.bound, -math.log(2 * self.bound), -math.inf)

    def abs_cdf(self, c: Any) -> Floats:
        return np.clip(floats(c) / self.bound, 0.0, 1.0)

    def quantile(self, u: Any) -> Floats:
        return self.bound * (2 * floats(u) - 1)

    def scaled(self, factor: float) -> "Uniform":
        return Uniform(checked_scale(factor) * self.bound)
