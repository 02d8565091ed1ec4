"""How well a scale, one for each case and all multiples of one number, explains the draws: exact log likelihoods.

A uniform law, a normal law and every normal law cut at `cut` sigmas in between share one likelihood: with s the scale
of a case (the bound of a uniform law, else the parent's standard deviation), `-n ln s - squares / (2 s^2)`, and
impossible below `peak / cut`. A formula says s_i = exp(h_i + t) with h_i known for each case and one t for all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from varlaw.identify.sample import Moments

Floats = NDArray[np.float64]

ROUNDING = 2.0**-21  # a limit computed in float32 may lie this much lower than its formula
DROP = math.log(1000)  # nats below the maximum where a 99.9 % interval ends


class Scales(Protocol):
    """The likelihood of one scale for each case."""

    @property
    def precision(self) -> float:
        """Relative error to which the draws fix a common factor."""
        ...

    def best(self, h: Floats) -> tuple[Floats, Floats]:
        """For each row of h: the t of largest likelihood, and its log likelihood."""
        ...

    def at(self, h: Floats, t: Floats) -> Floats:
        """Log likelihood of each t, for one row h."""
        ...

    @property
    def free(self) -> float:
        """The log likelihood when every case has the scale that suits it best."""
        ...


@dataclass(frozen=True)
class Entries:
    """Independent entries of a normal law cut at `cut` of its sigmas: 0 for a uniform law, inf where it is not cut."""

    moments: Sequence[Moments]
    cut: float

    @property
    def n(self) -> Floats:
        return np.array([m.n for m in self.moments], dtype=np.float64)

    @property
    def squares(self) -> Floats:
        return np.array([0.0 if self.cut == 0 else m.squares for m in self.moments])

    @property
    def floor(self) -> Floats:
        """ln of the smallest scale whose support holds every entry seen."""
        if math.isinf(self.cut):
            return np.full(len(self.moments), -np.inf)
        return np.log([m.peak for m in self.moments]) - math.log(self.cut or 1.0) - ROUNDING

    @property
    def precision(self) -> float:
        n = float(self.n.sum())
        return max(1 / n, 2.0**-20) if self.cut <= 1 else 1 / math.sqrt(2 * n)

    def best(self, h: Floats) -> tuple[Floats, Floats]:
        n, floor = self.n, (self.floor - h).max(axis=1)
        squares = (self.squares * np.exp(-2 * h)).sum(axis=1)
        with np.errstate(divide="ignore"):
            t = np.maximum(0.5 * np.log(squares / n.sum()), floor)
        return t, -h @ n - n.sum() * t - squares * np.exp(-2 * t) / 2

    def at(self, h: Floats, t: Floats) -> Floats:
        squares = float((self.squares * np.exp(-2 * h)).sum())
        likelihood = -float(h @ self.n) - self.n.sum() * t - squares * np.exp(-2 * t) / 2
        return np.where(t < (self.floor - h).max(), -np.inf, likelihood)

    @property
    def each(self) -> Floats:
        """ln of the scale that suits each case best."""
        with np.errstate(divide="ignore"):
            return np.maximum(0.5 * np.log(self.squares / self.n), self.floor)

    @property
    def free(self) -> float:
        s = self.each
        return float(-self.n @ s - (self.squares * np.exp(-2 * s)).sum() / 2)


@dataclass(frozen=True)
class Exact:
    """Scales read off without chance, such as a constant or the gain of an orthogonal matrix."""

    values: Sequence[float]
    precision: float = 2.0**-20

    def best(self, h: Floats) -> tuple[Floats, Floats]:
        gap = np.log(self.values) - h
        t = gap.mean(axis=1)
        return t, -((gap - t[:, None]) ** 2).sum(axis=1) / (2 * self.precision**2)

    def at(self, h: Floats, t: Floats) -> Floats:
        gap = np.log(self.values) - h
        likelihood: Floats = -((gap[None, :] - t[:, None]) ** 2).sum(axis=1) / (2 * self.precision**2)
        return likelihood

    @property
    def each(self) -> Floats:
        return np.log(self.values)

    @property
    def free(self) -> float:
        return 0.0


def interval(scales: Scales, h: Floats, t: float) -> tuple[float, float]:
    """The t within `DROP` nats of the best: a 99.9 % interval, or wider."""
    floor = float(scales.at(h, np.array([t]))[0]) - DROP
    ends = []
    for sign in (-1, 1):
        inner, outer = 0.0, scales.precision
        while scales.at(h, np.array([t + sign * outer]))[0] > floor and outer < 50:
            inner, outer = outer, 2 * outer
        for _ in range(40):
            middle = (inner + outer) / 2
            inner, outer = (
                (middle, outer) if scales.at(h, np.array([t + sign * middle]))[0] > floor else (inner, middle)
            )
        ends.append(t + sign * outer)
    return ends[0], ends[1]
