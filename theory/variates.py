"""Probability laws of one weight, as data: moments, distribution function, log-density and support.

Every law of entries is a `Variate`. `mean`, `variance`, `std`, `second_moment`, `kurtosis` (Pearson: normal = 3) and
`bound` (the supremum of |X|, inf when unbounded) always describe the variate itself, never the normal law that it was
cut from: a truncated or thinned normal keeps that one under `parent_std`. `Orthogonal` is a law of a whole matrix; its
`entry(rows, cols)` is the variate of one entry.

Methods take scalars or arrays and return float64 arrays of the same shape.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from varlaw.theory.quadrature import Floats
from varlaw.theory.truncation import slab_fraction, truncated_moments

LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)


@runtime_checkable
class Variate(Protocol):
    """What every law of entries answers."""

    @property
    def family(self) -> str:
        """Short name of the family, e.g. "normal"."""
        ...

    @property
    def mean(self) -> float: ...

    @property
    def variance(self) -> float: ...

    @property
    def std(self) -> float: ...

    @property
    def second_moment(self) -> float: ...

    @property
    def kurtosis(self) -> float: ...

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value, infinite where there is none."""
        ...

    @property
    def bound(self) -> float:
        """Supremum of |X|."""
        ...

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """The values taken with positive probability, each with its probability."""
        ...

    def cdf(self, x: Any) -> Floats:
        """P(X <= x)."""
        ...

    def survival(self, x: Any) -> Floats:
        """P(X > x), accurate where it is small."""
        ...

    def abs_cdf(self, c: Any) -> Floats:
        """P(|X| <= c)."""
        ...

    def quantile(self, u: Any) -> Floats:
        """The smallest x with P(X <= x) >= u."""
        ...

    def scaled(self, factor: float) -> "Variate":
        """The law of `factor * X`, of the same family, for `factor > 0`."""
        ...


@runtime_checkable
class Continuous(Variate, Protocol):
    """A variate with a density."""

    def logpdf(self, x: Any) -> Floats:
        """Natural log of the density, -inf outside the support."""
        ...


class _Moments:
    """What follows from mean, variance and support alone."""

    atoms: ClassVar[tuple[tuple[float, float], ...]] = ()

    @property
    def second_moment(self: Variate) -> float:
        return self.variance + self.mean**2

    @property
    def bound(self: Variate) -> float:
        return max(map(abs, self.support))


@dataclass(frozen=True)
class Normal(_Moments):
    """N(mean, std**2).

    >>> Normal(0.02).variance
    0.0004
    """

    std: float
    mean: float = 0.0

    family: ClassVar[str] = "normal"
    kurtosis: ClassVar[float] = 3.0
    support: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def __post_init__(self) -> None:
        _require(0 < self.std < math.inf, "std", self.std, "a finite number > 0", "Normal")
        _require(math.isfinite(self.mean), "mean", self.mean, "a finite number", "Normal")

    @property
    def variance(self) -> float:
        return self.std**2

    def cdf(self, x: Any) -> Floats:
        from scipy.special import ndtr

        return _floats(ndtr((_floats(x) - self.mean) / self.std))

    def survival(self, x: Any) -> Floats:
        from scipy.special import ndtr

        return _floats(ndtr((self.mean - _floats(x)) / self.std))

    def logpdf(self, x: Any) -> Floats:
        z = (_floats(x) - self.mean) / self.std
        return _floats(-0.5 * z * z - (LOG_SQRT_TWO_PI + math.log(self.std)))

    def abs_cdf(self, c: Any) -> Floats:
        from scipy.special import erf

        c = np.maximum(_floats(c), 0.0)
        if self.mean == 0:
            return _floats(erf(c / (self.std * math.sqrt(2))))
        return self.cdf(c) - self.cdf(-c)

    def quantile(self, u: Any) -> Floats:
        from scipy.special import ndtri

        return _floats(self.mean + self.std * ndtri(_floats(u)))

    def scaled(self, factor: float) -> "Normal":
        return Normal(_scale(factor) * self.std, factor * self.mean)


@dataclass(frozen=True)
class UniformRange(_Moments):
    """Uniform on `[low, high]`.

    >>> UniformRange(0.0, 1.0).variance == 1 / 12
    True
    """

    low: float
    high: float

    family: ClassVar[str] = "uniform"
    kurtosis: ClassVar[float] = 1.8

    def __post_init__(self) -> None:
        _require(
            -math.inf < self.low < self.high < math.inf,
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
        return np.clip((_floats(x) - self.low) / (self.high - self.low), 0.0, 1.0)

    def survival(self, x: Any) -> Floats:
        return np.clip((self.high - _floats(x)) / (self.high - self.low), 0.0, 1.0)

    def logpdf(self, x: Any) -> Floats:
        x = _floats(x)
        return np.where((x >= self.low) & (x <= self.high), -math.log(self.high - self.low), -math.inf)

    def abs_cdf(self, c: Any) -> Floats:
        c = np.maximum(_floats(c), 0.0)
        return np.maximum(self.cdf(c) - self.cdf(-c), 0.0)

    def quantile(self, u: Any) -> Floats:
        u = _floats(u)
        return _floats(self.low * (1 - u) + self.high * u)

    def scaled(self, factor: float) -> "UniformRange":
        return UniformRange(_scale(factor) * self.low, factor * self.high)


@dataclass(frozen=True)
class Uniform:
    """Uniform on `[-bound, bound]`, of variance `bound**2 / 3`.

    >>> Uniform(3.0).variance, Uniform.with_std(1.0).bound == 3**0.5
    (3.0, True)
    """

    bound: float

    family: ClassVar[str] = "uniform"
    mean: ClassVar[float] = 0.0
    kurtosis: ClassVar[float] = 1.8
    atoms: ClassVar[tuple[tuple[float, float], ...]] = ()

    def __post_init__(self) -> None:
        _require(0 < self.bound < math.inf, "bound", self.bound, "a finite number > 0", "Uniform")

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
        return np.clip(0.5 + 0.5 * (_floats(x) / self.bound), 0.0, 1.0)

    def survival(self, x: Any) -> Floats:
        return np.clip(0.5 - 0.5 * (_floats(x) / self.bound), 0.0, 1.0)

    def logpdf(self, x: Any) -> Floats:
        return np.where(np.abs(_floats(x)) <= self.bound, -math.log(2 * self.bound), -math.inf)

    def abs_cdf(self, c: Any) -> Floats:
        return np.clip(_floats(c) / self.bound, 0.0, 1.0)

    def quantile(self, u: Any) -> Floats:
        return self.bound * (2 * _floats(u) - 1)

    def scaled(self, factor: float) -> "Uniform":
        return Uniform(_scale(factor) * self.bound)


@dataclass(frozen=True, init=False)
class TruncatedNormal(_Moments):
    """N(0, std**2) conditioned on `low * std <= X <= high * std`.

    The argument `std` is that of the parent normal law, kept as `parent_std`; `low` and `high` are in sigmas, that is
    in units of it. The properties describe the result: at the usual bounds of two sigmas its standard deviation is
    0.88 of the argument. `from_bounds` takes absolute bounds, `with_std` the wanted standard deviation of the result.

    >>> round(TruncatedNormal(0.02).std, 6), round(TruncatedNormal.from_bounds(0.02, -2.0, 2.0).std, 6)
    (0.017593, 0.02)
    """

    parent_std: float
    low: float
    high: float

    family: ClassVar[str] = "truncated normal"

    def __init__(self, std: float, low: float = -2.0, high: float = 2.0) -> None:
        _require(0 < std < math.inf, "std", std, "a finite number > 0", "TruncatedNormal")
        _require(low < high, "low, high", (low, high), "low < high, in sigmas", "TruncatedNormal")
        for name, value in (("parent_std", std), ("low", low), ("high", high)):
            object.__setattr__(self, name, float(value))

    @classmethod
    def from_bounds(cls, std: float, low: float, high: float) -> Self:
        """N(0, std**2) conditioned on `low <= X <= high`: absolute bounds, as torch's `trunc_normal_` takes them."""
        _require(0 < std < math.inf, "std", std, "a finite number > 0", "TruncatedNormal.from_bounds")
        return cls(std, low / std, high / std)

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
        return self.parent_std * self._unit[0]

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
        return (self.parent_std * self.low, self.parent_std * self.high)

    def cdf(self, x: Any) -> Floats:
        return slab_fraction(self.low, self.high, np.clip(_floats(x) / self.parent_std, self.low, self.high))

    def survival(self, x: Any) -> Floats:
        return slab_fraction(-self.high, -self.low, np.clip(-_floats(x) / self.parent_std, -self.high, -self.low))

    def logpdf(self, x: Any) -> Floats:
        z = _floats(x) / self.parent_std
        inside = (z >= self.low) & (z <= self.high)
        # The mass carries exp(-a**2/2) of the nearer bound a: taken off both before they are subtracted.
        nearest = min(max(self.low, 0.0), self.high)
        log_mass = self.log_mass + 0.5 * nearest * nearest
        z = np.where(inside, z, nearest)
        density = -0.5 * (z - nearest) * (z + nearest) - (LOG_SQRT_TWO_PI + math.log(self.parent_std) + log_mass)
        return np.where(inside, density, -math.inf)

    def abs_cdf(self, c: Any) -> Floats:
        c = np.maximum(_floats(c), 0.0)
        return np.maximum(self.cdf(c) - self.cdf(-c), 0.0)

    def quantile(self, u: Any) -> Floats:
        u = _floats(u)
        low, high = np.full_like(u, max(self.low, -40.0)), np.full_like(u, min(self.high, 40.0))
        if self.low > 0 or self.high < 0:
            low, high = _tail_window(self.low, self.high, u)
        for _ in range(64):  # bisection: safe on every interval, exact to the last bits
            middle = 0.5 * (low + high)
            below = slab_fraction(self.low, self.high, middle) < u
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return self.parent_std * np.where(u <= 0, self.low, np.where(u >= 1, self.high, high))

    def scaled(self, factor: float) -> "TruncatedNormal":
        return TruncatedNormal(_scale(factor) * self.parent_std, self.low, self.high)


@dataclass(frozen=True)
class Constant(_Moments):
    """A single value; its kurtosis is NaN.

    >>> Constant(1.0).mean, Constant(1.0).variance
    (1.0, 0.0)
    """

    value: float

    family: ClassVar[str] = "constant"
    variance: ClassVar[float] = 0.0
    std: ClassVar[float] = 0.0
    kurtosis: ClassVar[float] = math.nan

    def __post_init__(self) -> None:
        _require(math.isfinite(self.value), "value", self.value, "a finite number", "Constant")

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
        return np.where(_floats(x) >= self.value, 1.0, 0.0)

    def survival(self, x: Any) -> Floats:
        return np.where(_floats(x) < self.value, 1.0, 0.0)

    def abs_cdf(self, c: Any) -> Floats:
        return np.where(_floats(c) >= abs(self.value), 1.0, 0.0)

    def quantile(self, u: Any) -> Floats:
        return np.full_like(_floats(u), self.value)

    def scaled(self, factor: float) -> "Constant":
        return Constant(_scale(factor) * self.value)


@dataclass(frozen=True)
class Rademacher(_Moments):
    """`scale` or `-scale` with probability one half each.

    >>> Rademacher(2.0).variance, Rademacher().kurtosis
    (4.0, 1.0)
    """

    scale: float = 1.0

    family: ClassVar[str] = "rademacher"
    mean: ClassVar[float] = 0.0
    kurtosis: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        _require(0 < self.scale < math.inf, "scale", self.scale, "a finite number > 0", "Rademacher")

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
        x = _floats(x)
        return _floats(0.5 * (x >= -self.scale) + 0.5 * (x >= self.scale))

    def survival(self, x: Any) -> Floats:
        return 1.0 - self.cdf(x)

    def abs_cdf(self, c: Any) -> Floats:
        return np.where(_floats(c) >= self.scale, 1.0, 0.0)

    def quantile(self, u: Any) -> Floats:
        return np.where(_floats(u) <= 0.5, -self.scale, self.scale)

    def scaled(self, factor: float) -> "Rademacher":
        return Rademacher(_scale(factor) * self.scale)


@dataclass(frozen=True, init=False)
class SparseNormal(_Moments):
    """0 with probability `zeros`, otherwise N(0, std**2): independent zeros, kurtosis 3 / (1 - zeros).

    The argument `std` is that of the entries that are kept, `parent_std`.

    >>> SparseNormal(1.0, zeros=0.75).variance, SparseNormal(1.0, zeros=0.75).kurtosis
    (0.25, 12.0)
    """

    parent_std: float
    zeros: float

    family: ClassVar[str] = "sparse normal"
    mean: ClassVar[float] = 0.0
    support: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def __init__(self, std: float, zeros: float) -> None:
        _require(0 < std < math.inf, "std", std, "a finite number > 0", "SparseNormal")
        _require(0 <= zeros < 1, "zeros", zeros, "a number >= 0 and < 1", "SparseNormal")
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
        return _floats((1 - self.zeros) * self._kept.cdf(x) + self.zeros * (_floats(x) >= 0))

    def survival(self, x: Any) -> Floats:
        return (1 - self.zeros) * self._kept.survival(x) + self.zeros * (_floats(x) < 0)

    def abs_cdf(self, c: Any) -> Floats:
        return (1 - self.zeros) * self._kept.abs_cdf(c) + self.zeros * (_floats(c) >= 0)

    def quantile(self, u: Any) -> Floats:
        u, keep = _floats(u), 1 - self.zeros
        lower = self._kept.quantile(np.clip(u / keep, 0.0, 0.5))
        upper = -self._kept.quantile(np.clip((1 - u) / keep, 0.0, 0.5))
        return np.where(u < keep / 2, lower, np.where(1 - u < keep / 2, upper, 0.0))

    def scaled(self, factor: float) -> "SparseNormal":
        return SparseNormal(_scale(factor) * self.parent_std, self.zeros)


@dataclass(frozen=True)
class HaarEntry(_Moments):
    """One entry of `gain` times a Haar (semi-)orthogonal matrix whose larger side is `size`.

    `(X / gain)**2` follows Beta(1/2, (size - 1)/2): variance `gain**2 / size`, kurtosis `3 size / (size + 2)`.

    >>> HaarEntry(4).variance, HaarEntry(4).kurtosis
    (0.25, 2.0)
    """

    size: int
    gain: float = 1.0

    family: ClassVar[str] = "haar entry"
    mean: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        _require(self.size >= 1 and self.size == int(self.size), "size", self.size, "a whole number >= 1", "HaarEntry")
        _require(0 < self.gain < math.inf, "gain", self.gain, "a finite number > 0", "HaarEntry")

    @property
    def variance(self) -> float:
        return self.gain**2 / self.size

    @property
    def std(self) -> float:
        return self.gain / math.sqrt(self.size)

    @property
    def kurtosis(self) -> float:
        return 3 * self.size / (self.size + 2)

    @property
    def support(self) -> tuple[float, float]:
        return (-self.gain, self.gain)

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:  # type: ignore[override]
        return ((-self.gain, 0.5), (self.gain, 0.5)) if self.size == 1 else ()

    def abs_cdf(self, c: Any) -> Floats:
        from scipy.special import betainc

        z = np.clip(_floats(c) / self.gain, 0.0, 1.0)
        if self.size == 1:
            return np.where(z >= 1, 1.0, 0.0)
        return _floats(betainc(0.5, (self.size - 1) / 2, z * z))

    def cdf(self, x: Any) -> Floats:
        return self.survival(-_floats(x)) if self.size > 1 else Rademacher(self.gain).cdf(x)

    def survival(self, x: Any) -> Floats:
        from scipy.special import betainc

        if self.size == 1:
            return Rademacher(self.gain).survival(x)
        z = np.clip(_floats(x) / self.gain, -1.0, 1.0)
        beyond = 0.5 * _floats(betainc((self.size - 1) / 2, 0.5, (1 - z) * (1 + z)))
        return np.where(z >= 0, beyond, 1 - beyond)

    def logpdf(self, x: Any) -> Floats:
        from scipy.special import gammaln

        z = _floats(x) / self.gain
        inside = np.abs(z) < 1
        z = np.where(inside, z, 0.0)
        shape = (self.size - 3) / 2
        log_beta = gammaln(0.5) + gammaln((self.size - 1) / 2) - gammaln(self.size / 2)
        return np.where(inside, shape * np.log1p(-z * z) - log_beta - math.log(self.gain), -math.inf)

    def quantile(self, u: Any) -> Floats:
        from scipy.special import betaincinv

        u = _floats(u)
        if self.size == 1:
            return Rademacher(self.gain).quantile(u)
        return _floats(self.gain * np.sign(u - 0.5) * np.sqrt(betaincinv(0.5, (self.size - 1) / 2, np.abs(2 * u - 1))))

    def scaled(self, factor: float) -> "HaarEntry":
        return HaarEntry(self.size, _scale(factor) * self.gain)


@dataclass(frozen=True)
class Orthogonal:
    """`gain` times a Haar-distributed (semi-)orthogonal matrix: a law of the whole matrix, not of independent entries.

    >>> Orthogonal().entry(64, 16).variance
    0.015625
    """

    gain: float = 1.0

    family: ClassVar[str] = "orthogonal"
    mean: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        _require(0 < self.gain < math.inf, "gain", self.gain, "a finite number > 0", "Orthogonal")

    @property
    def support(self) -> tuple[float, float]:
        return (-self.gain, self.gain)

    @property
    def bound(self) -> float:
        return self.gain

    def entry(self, rows: int, cols: int) -> HaarEntry:
        """The law of one entry of a `rows` x `cols` matrix."""
        return HaarEntry(max(rows, cols), self.gain)

    def scaled(self, factor: float) -> "Orthogonal":
        return Orthogonal(_scale(factor) * self.gain)


def _floats(x: Any) -> Floats:
    return np.asarray(x, dtype=np.float64)


def _scale(factor: float) -> float:
    _require(0 < factor < math.inf, "factor", factor, "a finite number > 0", "scaled")
    return factor


def _require(holds: bool, name: str, got: object, expected: str, where: str) -> None:
    if not holds:
        msg = f"{name}={got!r}, but should be {expected} [{where}]"
        raise ValueError(msg)


def _tail_window(low: float, high: float, u: Floats) -> tuple[Floats, Floats]:
    """Ends, in sigmas, that hold the quantiles of a one-sided interval: 50 decay lengths from the nearer end."""
    near = low if low > 0 else -high
    reach = min(high - low, 100 / (near + math.hypot(near, 10)))
    left = low if low > 0 else high - reach
    return np.full_like(u, left), np.full_like(u, left + reach)
