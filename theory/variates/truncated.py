"""The normal law conditioned on an interval."""

import functools
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.numerics.truncation import slab_fraction, truncated_moments
from varlaw.theory.variates.variate import Moments, checked_scale, floats, real, require

LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, init=False, repr=False)
class TruncatedNormal(Moments):
    """N(mean, std**2) conditioned on `low * std <= X - mean <= high * std`.

    The arguments `std` and `mean` are those of the parent normal law, kept as `parent_std` and `parent_mean`; `low` and
    `high` are in sigmas from that mean. The properties describe the result: at the usual bounds of two sigmas its
    standard deviation is 0.88 of the argument. `from_bounds` takes absolute bounds, `with_std` the wanted standard
    deviation of the result.

    >>> round(TruncatedNormal(0.02).std, 6), round(TruncatedNormal.from_bounds(0.02, -2.0, 2.0).std, 6)
    (0.017593, 0.02)
    """

    parent_std: float
    low: float
    high: float
    parent_mean: float

    family: ClassVar[str] = "truncated normal"

    def __init__(self, std: float, low: float = -2.0, high: float = 2.0, mean: float = 0.0) -> None:
        require(0 < real(std) < math.inf, "std", std, "a finite number > 0", "TruncatedNormal")
        require(real(low) < real(high), "low, high", (low, high), "low < high, in sigmas", "TruncatedNormal")
        require(math.isfinite(real(mean)), "mean", mean, "a finite number", "TruncatedNormal")
        for name, value in (("parent_std", std), ("low", low), ("high", high), ("parent_mean", mean)):
            object.__setattr__(self, name, float(value))

    def __repr__(self) -> str:
        """The mean where there is one: laws without have the name, and so the streams, that they always had."""
        mean = f", parent_mean={self.parent_mean!r}" if self.parent_mean else ""
        return f"TruncatedNormal(parent_std={self.parent_std!r}, low={self.low!r}, high={self.high!r}{mean})"

    @classmethod
    def from_bounds(cls, std: float, low: float, high: float, mean: float = 0.0) -> Self:
        """N(mean, std**2) conditioned on `low <= X <= high`: absolute bounds, as torch's `trunc_normal_` takes them."""
        require(0 < real(std) < math.inf, "std", std, "a finite number > 0", "TruncatedNormal.from_bounds")
        return cls(std, (low - mean) / std, (high - mean) / std, mean)

    @classmethod
    def with_std(cls, std: float, low: float = -2.0, high: float = 2.0) -> Self:
        """The truncated normal law whose own standard deviation is `std`, cut at `low` and `high` parent sigmas."""
        return cls(std / cls(1.0, low, high).std, low, high)

    @functools.cached_property
    def _unit(self) -> tuple[float, float, float, float]:
        mean, variance, kurtosis, log_mass = (float(v) for v in truncated_moments(self.low, self.high))
        return mean, variance, kurtosis, log_mass

    @property
    def mean(self) -> float:
        return self.parent_mean + self.parent_std * self._unit[0]

    @property
    def variance(self) -> float:
        return self.parent_std**2 * self._unit[1]

    @property
    def std(self) -> float:
        return self.parent_std * math.sqrt(self._unit[1])

    @property
    def kurtosis(self) -> float:
        return self._unit[2]

    @property
    def log_mass(self) -> float:
        """Natural log of the share of the parent law that lies within the bounds."""
        return self._unit[3]

    @property
    def support(self) -> tuple[float, float]:
        return (self.parent_mean + self.parent_std * self.low, self.parent_mean + self.parent_std * self.high)

    def _sigmas(self, x: Any) -> Floats:
        return floats((floats(x) - self.parent_mean) / self.parent_std)

    def cdf(self, x: Any) -> Floats:
        return slab_fraction(self.low, self.high, np.clip(self._sigmas(x), self.low, self.high))

    def survival(self, x: Any) -> Floats:
        return slab_fraction(-self.high, -self.low, np.clip(-self._sigmas(x), -self.high, -self.low))

    def logpdf(self, x: Any) -> Floats:
        z = self._sigmas(x)
        inside = (z >= self.low) & (z <= self.high)
        # The mass carries exp(-a**2/2) of the nearer bound a: taken off both before they are subtracted.
        nearest = min(max(self.low, 0.0), self.high)
        log_mass = self.log_mass + 0.5 * nearest * nearest
        z = np.where(inside, z, nearest)
        density = -0.5 * (z - nearest) * (z + nearest) - (LOG_SQRT_TWO_PI + math.log(self.parent_std) + log_mass)
        return np.where(inside, density, -math.inf)

    def abs_cdf(self, c: Any) -> Floats:
        c = np.maximum(floats(c), 0.0)
        return np.maximum(self.cdf(c) - self.cdf(-c), 0.0)

    def quantile(self, u: Any) -> Floats:
        u = floats(u)
        z = _inverse(self.low, self.high, u)
        for _ in range(2):  # Newton's: of a start that is right to some ten digits, to the last bits
            density = np.exp(-0.5 * z * z - (LOG_SQRT_TWO_PI + self.log_mass))
            with np.errstate(divide="ignore", invalid="ignore"):
                step = (slab_fraction(self.low, self.high, z) - u) / density
            z = np.clip(z - np.where(np.isfinite(step), step, 0.0), self.low, self.high)
        z = np.where(u <= 0, self.low, np.where(u >= 1, self.high, z))
        return floats(self.parent_mean + self.parent_std * z)

    def scaled(self, factor: float) -> "TruncatedNormal":
        return TruncatedNormal(checked_scale(factor) * self.parent_std, self.low, self.high, factor * self.parent_mean)


def _inverse(low: float, high: float, u: Floats) -> Floats:
    """The quantiles by the logarithm of the lower tail, taken on the side where that is the smaller one."""
    from scipy.special import log_ndtr, ndtri_exp

    upper = np.full(u.shape, low > 0) if low >= 0 or high <= 0 else u > 0.5
    near, far = np.where(upper, -high, low), np.where(upper, -low, high)
    v = np.clip(np.where(upper, 1 - u, u), 1e-300, 1 - 2.0**-53)
    z = ndtri_exp(np.logaddexp(log_ndtr(near) + np.log1p(-v), log_ndtr(far) + np.log(v)))
    return floats(np.clip(np.where(upper, -z, z), low, high))
