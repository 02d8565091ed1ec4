"""Laws of whole tensors that a map turns into independent entries of a simpler law: logs, signs, rows, rank one.

A record says what is promised alone; `varlaw.claims.weights.structured` holds the maps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.variate import plain, real, require


@dataclass(frozen=True)
class LogUniform:
    """Positive entries whose logarithm is uniform between those of the ends, as Mamba's step sizes.

    low, high: the ends, 0 < low < high.

    >>> LogUniform(1e-3, 1e-1)
    LogUniform(low=0.001, high=0.1)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        plain(self)
        require(0 < real(self.low) < real(self.high), "low", self.low, "> 0 and < high", "LogUniform")


def _require_law(law: Any, where: str) -> None:
    found = hasattr(law, "family") and not isinstance(law, type)
    require(found, "law", law, "a law of one number, such as Normal(0.02)", where)


@dataclass(frozen=True)
class Sparse:
    """Entries that are 0 with the chance `zeros`, each on its own, and else of `law`.

    law: of the entries that are not 0.
    zeros: the chance of a 0, in (0, 1).
    """

    law: Any
    zeros: float

    def __post_init__(self) -> None:
        plain(self)
        _require_law(self.law, "Sparse")
        require(0 < real(self.zeros) < 1, "zeros", self.zeros, "> 0 and < 1", "Sparse")


@dataclass(frozen=True)
class Complex:
    """Complex entries whose real and imaginary parts are independent, both of `law`.

    law: of either part.
    """

    law: Any

    def __post_init__(self) -> None:
        _require_law(self.law, "Complex")


@dataclass(frozen=True)
class FactorisedNoise:
    """Rank one: scale * outer(f(a), f(b)) of standard normals, f(x) = sign(x) sqrt(|x|), as of NoisyNet.

    Fortunato et al. 2018, arXiv:1706.10295; the second moment of an entry is scale^2 * 2/pi.

    scale: the factor, > 0.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        plain(self)
        require(real(self.scale) > 0, "scale", self.scale, "> 0", "FactorisedNoise")


@dataclass(frozen=True)
class RowsOfNorm:
    """Each row (all axes but the first) has this norm, and every direction is as likely.

    norm: Euclidean length of each row, > 0.
    """

    norm: float = 1.0

    def __post_init__(self) -> None:
        plain(self)
        require(real(self.norm) > 0, "norm", self.norm, "> 0", "RowsOfNorm")


@dataclass(frozen=True)
class RowsStandardised:
    """Each row (all axes but the first) has mean 0 and this std, and every such row is as likely.

    std: standard deviation of the numbers of each row, > 0.
    centred: False where the mean stays what it is: `x / x.std(1, keepdims=True)`.
    ddof: of n numbers the std is over n - ddof, 0 as NumPy's, 1 as torch's.
    """

    std: float = 1.0
    centred: bool = True
    ddof: int = 0

    def __post_init__(self) -> None:
        plain(self)
        require(real(self.std) > 0, "std", self.std, "> 0", "RowsStandardised")
        require(self.centred in (True, False), "centred", self.centred, "True or False", "RowsStandardised")
        require(self.ddof in (0, 1), "ddof", self.ddof, "0 or 1", "RowsStandardised")


@dataclass(frozen=True)
class SampleStd:
    """The whole tensor has this root mean square, and every such tensor is as likely: normal numbers, rescaled.

    std: root mean square of the whole tensor, > 0.
    about_mean: True where it is the std about the tensor's own mean, which stays what it is: `x / x.std()`.
    ddof: that std of n numbers is over n - ddof, 0 as NumPy's, 1 as torch's.
    """

    std: float = 1.0
    about_mean: bool = False
    ddof: int = 0

    def __post_init__(self) -> None:
        plain(self)
        require(real(self.std) > 0, "std", self.std, "> 0", "SampleStd")
        require(self.ddof in (0, int(bool(self.about_mean))), "ddof", self.ddof, "0, or 1 about the mean", "SampleStd")


def _finite(x: Any) -> Floats:
    """Finite numbers as an array; one without entries for anything else."""
    try:
        found = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.empty(0)
    return found if np.isfinite(found).all() else np.empty(0)


@dataclass(frozen=True)
class RowsNormal:
    """Independent rows of a multivariate normal law, as of new embeddings drawn like the old ones.

    mean: of a row, one number for each column.
    covariance: of a row, as rows of numbers.
    """

    mean: Sequence[float]
    covariance: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        mean, covariance = _finite(self.mean), _finite(self.covariance)
        require(mean.ndim == 1 and mean.size > 0, "mean", self.mean, "numbers, one for each column", "RowsNormal")
        square = covariance.shape == 2 * mean.shape and bool((covariance == covariance.T).all())
        positive = square and bool(np.linalg.eigvalsh(covariance)[0] > 0)
        require(
            positive, "covariance", self.covariance, f"symmetric, positive definite and {mean.size} x {mean.size}",
            "RowsNormal",
        )  # fmt: skip


STRUCTURED = (LogUniform, Sparse, Complex, FactorisedNoise, RowsOfNorm, RowsStandardised, SampleStd, RowsNormal)
"""All of them; `Rademacher` is one of a single entry."""
