"""A signal that comes back above a level which it had left: an e-detector on the share of steps above it.

M = (M + 1) * L, with L the likelihood ratio of "above" at a share p against the largest of the null. Under the null
(given the past, at most `MOST` of steps are above) the mean number of steps to a false alarm is at least 1 / alpha.
"""

import math

import numpy as np

MOST = 0.75
_SHARES = np.array([0.85, 0.95, 0.99])


class Above:
    """Armed once; `alpha` is a rate by step."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self._log = np.full(len(_SHARES), -np.inf)
        self._armed = False
        self._since = 0

    def step(self, number: int, height: float, *, armed: bool) -> int:
        """The step since which the signal is above 0, at an alarm; 0 otherwise.

        Until `armed` is true for the first time nothing is judged.
        """
        self._armed = self._armed or armed
        if not self._armed:
            return 0
        won, lost = np.log(_SHARES / MOST), np.log((1 - _SHARES) / (1 - MOST))
        self._log = np.logaddexp(self._log, 0.0) + (won if height > 0 else lost)
        if self._log[-1] < 0:
            self._since = number + 1
        if np.logaddexp.reduce(self._log) - math.log(len(_SHARES)) < -math.log(self.alpha):
            return 0
        self._log[:] = -np.inf
        return self._since
