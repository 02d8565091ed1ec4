"""What a law about an activation needs to know of it: its moments under N(0, q), as functions of q.

`Moments` is a record of functions, each taking a float64 array q >= 0 and returning one of the same shape. `rescaled`
turns the moments of phi into those of `outer * phi(inner * x)`, which covers most parametrised activations exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from varlaw.theory.numerics.quadrature import Floats

INV_SQRT_TWO_PI = 1 / math.sqrt(2 * math.pi)

OfVariance = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Expectations under X ~ N(0, q), all as functions of q; at q = 0 their limit from above."""

    mean: OfVariance  # E phi
    second: OfVariance  # E phi^2
    fourth: OfVariance  # E phi^4
    variance: OfVariance
    slope_mean: OfVariance  # E phi', pointwise: jumps do not count
    slope_second: OfVariance  # E phi'^2
    order: float = 1.0  # phi ~ |x|^order at 0; 0 where phi(0) != 0
    ratio: OfVariance | None = None  # q E phi'^2 / E phi^2, where its parts underflow before it does

    def forward_gain(self, q: Floats) -> Floats:
        """sqrt(q / E phi^2), at q = 0 its limit."""
        base = self._above_underflow(q)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.sqrt(base / self.second(base))
            if math.isfinite(self.order):
                gain = gain * (q / base) ** ((1 - self.order) / 2)
        return np.where(np.isnan(gain), math.inf, gain)

    def backward_gain(self, q: Floats) -> Floats:
        """1 / sqrt(E phi'^2), inf where the derivative vanishes."""
        base = self._above_underflow(q) if self.order >= 2 else q
        with np.errstate(divide="ignore"):
            gain = 1 / np.sqrt(self.slope_second(base))
            return gain * (q / base) ** ((1 - self.order) / 2) if 2 <= self.order < math.inf else gain

    def chi(self, q: Floats) -> Floats:
        """q E phi'^2 / E phi^2: the mean-square gradient factor of a layer whose weights carry the forward gain."""
        if self.ratio is not None:
            return self.ratio(q)
        base = self._above_underflow(q)
        value = (base / self.second(base)) * self.slope_second(base)
        return value * (q / base) if self.order == 0 else value

    def _above_underflow(self, q: Floats) -> Floats:
        """q, raised to where phi is its leading power to 1e-30 and E phi^2 is still a number."""
        if not math.isfinite(self.order):
            return q
        return np.maximum(q, 1e-60 if self.order >= 2 else 1e-120)  # flat limit


def rescaled(base: Moments, outer: float = 1.0, inner: float = 1.0) -> Moments:
    """Moments of `outer * phi(inner * x)`, given those of phi."""
    square, slope = inner * inner, outer * inner
    ratio = base.ratio
    return Moments(
        mean=lambda q: outer * base.mean(square * q),
        second=lambda q: outer**2 * base.second(square * q),
        fourth=lambda q: outer**4 * base.fourth(square * q),
        variance=lambda q: outer**2 * base.variance(square * q),
        slope_mean=lambda q: slope * base.slope_mean(square * q),
        slope_second=lambda q: slope**2 * base.slope_second(square * q),
        order=base.order,
        ratio=None if ratio is None else lambda q: ratio(square * q),
    )
