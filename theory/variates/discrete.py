"""Laws of one entry that put weight on single values: constants, signs, sparse normals."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.continuous import Normal
from varlaw.theory.variates.variate import Moments, checked_scale, floats, plain, real, require


@dataclass(frozen=True)
class Constant(Moments):
    """A single value; its kurtosis is NaN.

    value: the number, finite.

    >>> Constant(1.0).mean, Constant(1.0).variance
    (1.0, 0.0)
    """

    value: float

    family: ClassVar[str] = "constant"
    variance: ClassVar[float] = 0.0
    std: ClassVar[float] = 0.0
    kurtosis: ClassVar[float] = math.nan

    def __post_init__(self) -> None:
        plain(self)
        require(math.isfinite(real(self.value)), "value", self.value, "a finite number", "Constant")

    @property
    def mean(self) -> float:
        return self.value

    @property
    def support(self) -> tuple[float, float]:
        return (self.value, self.value)

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:  # type: ignore[override]
        return ((self.value, 1.0),)

    def cdf(self, x: Any) -> Floats:
        return np.where(floats(x) >= self.value, 1.0, 0.0)

    def survival(self, x: Any) -> Floats:
        return np.where(floats(x) < self.value, 1.0, 0.0)

    def abs_cdf(self, c: Any) -> Floats:
        return np.where(floats(c) >= abs(self.value), 1.0, 0.0)

    def quantile(self, u: Any) -> Floats:
        return np.full_like(floats(u), self.value)

    def scaled(self, factor: float) -> "Constant":
        return Constant(checked_scale(factor) * self.value)


@dataclass(frozen=True)
class Rademacher(Moments):
    """`scale` or `-scale` with probability one half each.

    scale: absolute value of every entry, > 0.

    >>> Rademacher(2.0).variance, Rademacher().kurtosis
    (4.0, 1.0)
    """

    scale: float = 1.0

    family: ClassVar[str] = "rademacher"
    mean: ClassVar[float] = 0.0
    kurtosis: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        plain(self)
        require(0 < real(self.scale) < math.inf, "scale", self.scale, "a finite number > 0", "Rademacher")

    @property
    def variance(self) -> float:
        return self.scale**2

    @property
    def std(self) -> float:
        return self.scale

    @property
    def support(self) -> tuple[float, float]:
        return (-self.scale, self.scale)

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:  # type: ignore[override]
        return ((-self.scale, 0.5), (self.scale, 0.5))

    def cdf(self, x: Any) -> Floats:
        x = floats(x)
        return floats(0.5 * (x >= -self.scale) + 0.5 * (x >= self.scale))

    def survival(self, x: Any) -> Floats:
        return 1.0 - self.cdf(x)

    def abs_cdf(self, c: Any) -> Floats:
        return np.where(floats(c) >= self.scale, 1.0, 0.0)

    def quantile(self, u: Any) -> Floats:
        return np.where(floats(u) <= 0.5, -self.scale, self.scale)

    def scaled(self, factor: float) -> "Rademacher":
        return Rademacher(checked_scale(factor) * self.scale)


@dataclass(frozen=True, init=False)
class SparseNormal(Moments):
    """0 with probability `zeros`, otherwise N(0, std**2): independent zeros, kurtosis 3 / (1 - zeros).

    The argument `std` is that of the entries that are kept, `parent_std`.

    std: standard deviation of what is not 0.
    zeros: the chance of a 0, in [0, 1).

    >>> SparseNormal(1.0, zeros=0.75).variance, SparseNormal(1.0, zeros=0.75).kurtosis
    (0.25, 12.0)
    """

    parent_std: float
    zeros: float

    family: ClassVar[str] = "sparse normal"
    mean: ClassVar[float] = 0.0
    support: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def __init__(self, std: float, zeros: float) -> None:
        require(0 < real(std) < math.inf, "std", std, "a finite number > 0", "SparseNormal")
        require(0 <= real(zeros) < 1, "zeros", zeros, "a number >= 0 and < 1", "SparseNormal")
        object.__setattr__(self, "parent_std", float(std))
        object.__setattr__(self, "zeros", float(zeros))

    @property
    def _kept(self) -> Normal:
        return Normal(self.parent_std)

    @property
    def variance(self) -> float:
        return (1 - self.zeros) * self.parent_std**2

    @property
    def std(self) -> float:
        return math.sqrt(1 - self.zeros) * self.parent_std

    @property
    def kurtosis(self) -> float:
        return 3 / (1 - self.zeros)

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:  # type: ignore[override]
        return ((0.0, self.zeros),) if self.zeros else ()

    def cdf(self, x: Any) -> Floats:
        return floats((1 - self.zeros) * self._kept.cdf(x) + self.zeros * (floats(x) >= 0))

    def survival(self, x: Any) -> Floats:
        return (1 - self.zeros) * self._kept.survival(x) + self.zeros * (floats(x) < 0)

    def abs_cdf(self, c: Any) -> Floats:
        return (1 - self.zeros) * self._kept.abs_cdf(c) + self.zeros * (floats(c) >= 0)

    def quantile(self, u: Any) -> Floats:
        u, keep = floats(u), 1 - self.zeros
        lower = self._kept.quantile(np.clip(u / keep, 0.0, 0.5))
        upper = -self._kept.quantile(np.clip((1 - u) / keep, 0.0, 0.5))
        return np.where(u < keep / 2, lower, np.where(1 - u < keep / 2, upper, 0.0))

    def scaled(self, factor: float) -> "SparseNormal":
        return SparseNormal(checked_scale(factor) * self.parent_std, self.zeros)
