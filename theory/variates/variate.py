"""What every law of entries answers: the interface, and what follows from a few of its answers.

`mean`, `variance`, `std`, `second_moment`, `kurtosis` (Pearson: normal = 3) and `bound` always describe the variate
itself, never a normal law that it was cut from.
"""

import math
from dataclasses import fields
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from varlaw.theory.domain import printable
from varlaw.theory.numerics.quadrature import Floats


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
        """P(X <= x), of numbers `x`."""
        ...

    def survival(self, x: Any) -> Floats:
        """P(X > x), accurate where it is small, of numbers `x`."""
        ...

    def abs_cdf(self, c: Any) -> Floats:
        """P(|X| <= c), of numbers `c`."""
        ...

    def quantile(self, u: Any) -> Floats:
        """The smallest x with P(X <= x) >= u, of chances `u`."""
        ...

    def scaled(self, factor: float) -> "Variate":
        """The law of X times `factor`, a number > 0, of the same family."""
        ...


@runtime_checkable
class Continuous(Variate, Protocol):
    """A variate with a density."""

    def logpdf(self, x: Any) -> Floats:
        """Natural log of the density at numbers `x`, -inf outside the support."""
        ...


class Scalable:
    """A law times a number, or over one, is the law of the multiple: `0.5 * Normal(0.02)`."""

    def __mul__(self, factor: Any) -> Any:
        return self.scaled(factor) if isinstance(factor, int | float) else NotImplemented  # type: ignore[attr-defined]

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Any:
        return self * (1 / divisor) if isinstance(divisor, int | float) else NotImplemented


class Moments(Scalable):
    """What follows from mean, variance and support alone."""

    atoms: ClassVar[tuple[tuple[float, float], ...]] = ()

    @property
    def second_moment(self: Variate) -> float:
        return self.variance + self.mean**2

    @property
    def bound(self: Variate) -> float:
        return max(map(abs, self.support))


def floats(x: Any) -> Floats:
    """As a float64 array."""
    return np.asarray(x, dtype=np.float64)


def checked_scale(factor: float) -> float:
    """The factor itself; raises `ValueError` unless it is finite and > 0."""
    require(0 < real(factor) < math.inf, "factor", factor, "a finite number > 0", "scaled")
    return factor


def real(x: Any) -> float:
    """One real number as float64; NaN, which lies in no range, for text, arrays and whole numbers too large for it."""
    if isinstance(x, str | bytes) or getattr(x, "ndim", 0) != 0:
        return math.nan
    try:
        return float(x)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def plain(law: Any) -> None:
    """Arguments that are one number of an array library become Python's: a law has the same name whoever made them."""
    for one in fields(law):
        value = getattr(law, one.name)
        if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
            object.__setattr__(law, one.name, value.item())


def require(holds: bool, name: str, got: object, expected: str, where: str) -> None:
    """Raise a one-line `ValueError` naming what, got, expected and where, unless `holds`."""
    if not holds:
        msg = f"{name}={printable(got)}, but should be {expected} [{where}]"
        raise ValueError(msg)
