"""What is looked at: one tensor, drawn afresh several times in several cases, with the numbers a formula may use."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Fresh draws of one tensor in one case: `values` has one instance a row, each of `shape`.

    `names` holds the numbers by which the law may scale: sizes of the case, fans, sides of the shape. `again` says
    whether the same seed gave the same numbers once more; `copied` of `looked` entries stand in an earlier tensor of
    the same instance too.
    """

    case: Mapping[str, Any]
    names: Mapping[str, float]
    shape: tuple[int, ...]
    values: Floats
    again: bool = True
    copied: int = 0
    looked: int = 0

    @cached_property
    def fixed(self) -> NDArray[np.bool_]:
        """Where every instance holds the same number; nowhere, when there is only one instance."""
        if len(self.values) < 2:
            return np.zeros(self.shape, dtype=bool)
        same: NDArray[np.bool_] = (self.values == self.values[0]).all(axis=0)
        return same

    def part(self, index: tuple[slice, ...]) -> "Sample":
        """The block of the tensor that `index` selects, as a sample of its own."""
        values = self.values[(slice(None), *index)]
        return replace(self, shape=values.shape[1:], values=values)

    def changed(self, values: Floats) -> "Sample":
        """The same case with other values: a flat row of them."""
        return replace(self, shape=values.shape, values=values[None])


@dataclass(frozen=True)
class Moments:
    """Sums over all entries of one case."""

    n: int
    total: float
    squares: float
    fourth: float
    peak: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def rms(self) -> float:
        return float(np.sqrt(self.squares / self.n))

    @property
    def kurtosis(self) -> float:
        """About zero; NaN for zeros only."""
        return self.n * self.fourth / self.squares**2 if self.squares > 0 else float("nan")


def moments(x: Floats) -> Moments:
    """The sums of all entries of `x`, at least one."""
    squares = x * x
    low, high = float(x.min()), float(x.max())
    return Moments(
        n=x.size,
        total=float(x.sum()),
        squares=float(squares.sum()),
        fourth=float((squares * squares).sum()),
        peak=max(abs(low), abs(high)),
        low=low,
        high=high,
    )
