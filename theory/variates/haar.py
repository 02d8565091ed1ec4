"""Orthogonal matrices, and the law of one of their entries."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.discrete import Rademacher
from varlaw.theory.variates.variate import Moments, Scalable, checked_scale, floats, plain, real, require


@dataclass(frozen=True)
class HaarEntry(Moments):
    """One entry of `gain` times a Haar (semi-)orthogonal matrix whose larger side is `size`.

    `(X / gain)**2` follows Beta(1/2, (size - 1)/2): variance `gain**2 / size`, kurtosis `3 size / (size + 2)`.

    size: the larger side of the matrix.
    gain: the factor, > 0.

    >>> HaarEntry(4).variance, HaarEntry(4).kurtosis
    (0.25, 2.0)
    """

    size: int
    gain: float = 1.0

    family: ClassVar[str] = "haar entry"
    mean: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        plain(self)
        require(
            1 <= real(self.size) < math.inf and self.size == int(self.size),
            "size",
            self.size,
            "a whole number >= 1",
            "HaarEntry",
        )
        require(0 < real(self.gain) < math.inf, "gain", self.gain, "a finite number > 0", "HaarEntry")

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

        z = np.clip(floats(c) / self.gain, 0.0, 1.0)
        if self.size == 1:
            return np.where(z >= 1, 1.0, 0.0)
        return floats(betainc(0.5, (self.size - 1) / 2, z * z))

    def cdf(self, x: Any) -> Floats:
        return self.survival(-floats(x)) if self.size > 1 else Rademacher(self.gain).cdf(x)

    def survival(self, x: Any) -> Floats:
        from scipy.special import betainc

        if self.size == 1:
            return Rademacher(self.gain).survival(x)
        z = np.clip(floats(x) / self.gain, -1.0, 1.0)
        beyond = 0.5 * floats(betainc((self.size - 1) / 2, 0.5, (1 - z) * (1 + z)))
        return np.where(z >= 0, beyond, 1 - beyond)

    def logpdf(self, x: Any) -> Floats:
        from scipy.special import gammaln

        z = floats(x) / self.gain
        inside = np.abs(z) < 1
        z = np.where(inside, z, 0.0)
        shape = (self.size - 3) / 2
        log_beta = gammaln(0.5) + gammaln((self.size - 1) / 2) - gammaln(self.size / 2)
        return np.where(inside, shape * np.log1p(-z * z) - log_beta - math.log(self.gain), -math.inf)

    def quantile(self, u: Any) -> Floats:
        from scipy.special import betaincinv

        u = floats(u)
        if self.size == 1:
            return Rademacher(self.gain).quantile(u)
        return floats(self.gain * np.sign(u - 0.5) * np.sqrt(betaincinv(0.5, (self.size - 1) / 2, np.abs(2 * u - 1))))

    def scaled(self, factor: float) -> "HaarEntry":
        return HaarEntry(self.size, checked_scale(factor) * self.gain)


@dataclass(frozen=True)
class Orthogonal(Scalable):
    """`gain` times a Haar-distributed (semi-)orthogonal matrix: a law of the whole matrix, not of independent entries.

    gain: the factor, > 0: every singular value.

    >>> Orthogonal().entry(64, 16).variance
    0.015625
    """

    gain: float = 1.0

    family: ClassVar[str] = "orthogonal"
    mean: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        plain(self)
        require(0 < real(self.gain) < math.inf, "gain", self.gain, "a finite number > 0", "Orthogonal")

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
        return Orthogonal(checked_scale(factor) * self.gain)
