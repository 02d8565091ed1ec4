"""One step far beyond all before it: an exact rank, and an exact p-value where the tail is exponential or lighter.

With the k + 1 largest of the last n values, u the smallest of them and S the sum of the k excesses, a new excess Y has
P(Y > c S) = (1 + c)^-k for an exponential tail at any n (Renyi 1953), and exceeding u has probability (k + 1)/(n + 1)
under exchangeability of the n + 1 values. On a log scale an exponential tail is a Pareto tail of the norm. For logs
with power tails the number is too small: the rank is printed beside it, which assumes the exchangeability alone.
"""

import math
from collections import deque
from typing import NamedTuple

import numpy as np

RING = 1024
_K = 64
_REFRESH = 32
_TWICE = math.log(2)


class Spike(NamedTuple):
    """A step that no luck of `p` explains: its height over all before, as a factor."""

    p: float
    rank: float  # p without any assumption on the tail
    factor: float


class Spikes:
    """The last `RING` values of one signal; `step` judges a value against them, then keeps it."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self._ring: deque[float] = deque(maxlen=RING)
        self._since = 0
        self._limit, self._sum, self._largest = math.inf, 1.0, math.inf

    def step(self, residual: float) -> Spike | None:
        """A spike, or None; `residual` is the value less the present centre of its signal."""
        if not math.isfinite(residual):
            return None
        found = self._judged(residual) if len(self._ring) == RING else None
        self._ring.append(residual)
        self._since -= 1
        if len(self._ring) == RING and self._since <= 0:
            self._refresh()
        return found

    def restart(self) -> None:
        """Forgets all values."""
        self._ring.clear()
        self._since = 0

    def _refresh(self) -> None:
        largest = np.sort(np.fromiter(self._ring, float))[-(_K + 1) :]
        self._limit, self._largest = float(largest[0]), float(largest[-1])
        self._sum = max(float((largest[1:] - self._limit).sum()), 0.02 * _K)
        self._since = _REFRESH

    def _judged(self, residual: float) -> Spike | None:
        over = residual - self._limit
        if over <= 0 or residual <= self._largest + _TWICE:
            return None
        p = (_K + 1) / (RING + 1) * (1 + over / self._sum) ** -_K
        return Spike(p, 1 / (RING + 1), math.exp(residual - self._largest)) if p <= self.alpha else None
