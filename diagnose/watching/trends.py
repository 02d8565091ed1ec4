"""Slow change: an interval for the change over a window, from the slopes of its block medians.

Theil and Sen's interval by Kendall's distribution: no law of the noise, medians of blocks whose errors are
exchangeable. The window is 32 blocks; the k-th look spends alpha / (k (k + 1)), so that all looks together spend alpha.
A level that wanders by itself breaks the assumption: the statement is about this stretch, never "for ever".
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

BLOCKS = 32
_SLOPES = BLOCKS * (BLOCKS - 1) // 2
_KENDALL = math.sqrt(BLOCKS * (BLOCKS - 1) * (2 * BLOCKS + 5) / 18)


class Change(NamedTuple):
    """Total change of a log over a window, with its interval at the look's alpha."""

    low: float
    middle: float
    high: float
    alpha: float
    ends: float  # the last block less the first: a fact, where the value itself has no noise


class Trend:
    """Block medians of one signal; a window is judged when it is full and then begins anew."""

    def __init__(self, alpha: float, block: int = 32) -> None:
        self.alpha, self.block = alpha, block
        self._looks = 0
        self._values: list[float] = []
        self._medians: list[float] = []

    def step(self, x: float) -> Change | None:
        """The change over a window that closes at this step, or None."""
        if not math.isfinite(x):
            return None
        self._values.append(x)
        if len(self._values) < self.block:
            return None
        self._medians.append(float(np.median(self._values)))
        self._values.clear()
        if len(self._medians) < BLOCKS:
            return None
        found = self._judged(np.asarray(self._medians))
        self._medians.clear()
        return found

    def restart(self) -> None:
        """Forgets the window in hand; the looks that were spent stay spent."""
        self._values.clear()
        self._medians.clear()

    def _judged(self, y: np.ndarray) -> Change:
        self._looks += 1
        alpha = self.alpha / (self._looks * (self._looks + 1))
        i, j = np.triu_indices(BLOCKS, 1)
        slopes = np.sort((y[j] - y[i]) / (j - i))
        half = NormalDist().inv_cdf(1 - alpha / 2) * _KENDALL
        first = max(math.floor((_SLOPES - half) / 2), 0)
        low, high = slopes[first] * BLOCKS, slopes[_SLOPES - 1 - first] * BLOCKS
        return Change(float(low), float(np.median(slopes)) * BLOCKS, float(high), alpha, float(y[-1] - y[0]))
