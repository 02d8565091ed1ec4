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
_SHORT = 256  # values from which one is judged that is far larger than all of them
_OF = 16  # of so many values the largest makes the tail
_REFRESH = 32
_TWICE = math.log(2)
_UNHEARD = math.log(20)  # fewer values may hold none of the heavy batches that a run has now and then


class Spike(NamedTuple):
    """A step that no luck of `p` explains: its height over all before, as a factor."""

    p: float
    rank: float  # p without any assumption on the tail
    factor: float
    steps: int = RING  # before it


class Often(NamedTuple):
    """So many of the next `steps` were above all before: p by exchangeability alone, and the median factor above."""

    p: float
    above: int
    steps: int
    factor: float


class Spikes:
    """The last `RING` values of one signal; `step` judges a value against them, then keeps it."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self._ring: deque[float] = deque(maxlen=RING)
        self._since = 0
        self._limit, self._sum, self._largest = math.inf, 1.0, math.inf
        self._k = 0  # of the largest values; 0 before there are enough

    def step(self, residual: float) -> Spike | None:
        """A spike, or None; `residual` is the value less the present centre of its signal."""
        if not math.isfinite(residual):
            return None
        found = self._judged(residual) if self._k else None
        self._ring.append(residual)
        self._since -= 1
        if len(self._ring) >= _SHORT and self._since <= 0:
            self._refresh()
        return found

    def restart(self) -> None:
        """Forgets all values."""
        self._ring.clear()
        self._since = self._k = 0

    def _refresh(self) -> None:
        self._k = len(self._ring) // _OF
        largest = np.sort(np.fromiter(self._ring, float))[-(self._k + 1) :]
        self._limit, self._largest = float(largest[0]), float(largest[-1])
        self._sum = max(float((largest[1:] - self._limit).sum()), 0.02 * self._k)
        self._since = _REFRESH

    def _judged(self, residual: float) -> Spike | None:
        over = residual - self._limit
        n, k = len(self._ring), self._k
        if over <= 0 or residual <= self._largest + (_TWICE if n == RING else _UNHEARD):
            return None
        p = (k + 1) / (n + 1) * (1 + over / self._sum) ** -k
        return Spike(p, 1 / (n + 1), math.exp(residual - self._largest), n) if p <= self.alpha else None


class Again:
    """Spikes that recur: how many of the next values exceed the largest of the `RING` before them.

    Of m values after n exchangeable ones, P(j or more above all n) = prod_{i < j} (m - i) / (n + m - i) (Epstein
    1954). Each span of up to `RING` values has its own alpha: it is a rate by span.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha * RING
        self._before: list[float] = []
        self._largest = math.inf
        self._over: list[float] = []
        self._count = 0

    def restart(self) -> None:
        """Forgets all values."""
        self._before.clear()
        self._over.clear()
        self._largest, self._count = math.inf, 0

    def step(self, residual: float) -> Often | None:
        """What a value adds; said at most once in a span."""
        if not math.isfinite(residual):
            return None
        if self._largest == math.inf:
            self._before.append(residual)
            if len(self._before) >= RING:
                self._largest = max(self._before)
            return None
        self._count += 1
        found = None
        if residual > self._largest:
            self._over.append(residual - self._largest)
            p = precedence(len(self._over), RING)
            found = Often(p, len(self._over), self._count, math.exp(float(np.median(self._over))))
        if self._count >= RING:
            self.restart()
        return found if found and found.p <= self.alpha else None


def precedence(count: int, steps: int, before: int = RING) -> float:
    """The chance that so many of `steps` values, or more, are above all of the `before` values before them.

    >>> round(precedence(1, 1024), 3), round(precedence(3, 1024), 4)
    (0.5, 0.1248)
    """
    return math.prod((steps - i) / (before + steps - i) for i in range(count))
