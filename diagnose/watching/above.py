"""Something that happens at nearly every step: an e-detector on the share of steps at which it does.

M = (M + 1) * L, with L the likelihood ratio of the event at a share p against the largest of the null. Under the null
(given the past, it happens at `most` of the steps at most) the mean number of steps to a false alarm is at least
1 / alpha. M may be set to 0 at any step that the past alone tells.
"""

import math
from collections.abc import Sequence

import numpy as np

MOST = 0.75
_SHARES = (0.85, 0.95, 0.99)


class Mostly:
    """The e-detector alone; `alpha` is a rate by step, `shares` are those that it bets on."""

    def __init__(self, alpha: float, most: float, shares: Sequence[float]) -> None:
        self.alpha = alpha
        p = np.array(shares)
        self._won, self._lost = np.log(p / most), np.log((1 - p) / (1 - most))
        self.restart()

    @property
    def rate(self) -> str:
        """The rate, as it is printed."""
        return f"at most one false alarm in {1 / self.alpha:.2g} steps, on average"

    def restart(self) -> None:
        """Forgets what was counted."""
        self.log = np.full(len(self._won), -np.inf)

    def step(self, happened: bool) -> bool:
        """Whether there is an alarm at this step; everything is counted anew after it."""
        self.log = np.logaddexp(self.log, 0.0) + (self._won if happened else self._lost)
        if np.logaddexp.reduce(self.log) - math.log(len(self.log)) < -math.log(self.alpha):
            return False
        self.restart()
        return True


class Above:
    """A signal that comes back above a level which it had left. Armed once; `alpha` is a rate by step."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self._mostly = Mostly(alpha, MOST, _SHARES)
        self.rate = self._mostly.rate
        self._armed = False
        self._since = 0

    def step(self, number: int, height: float, *, armed: bool) -> int:
        """The step since which the signal is above 0, at an alarm; 0 otherwise.

        Until `armed` is true for the first time nothing is judged.
        """
        self._armed = self._armed or armed
        if not self._armed:
            return 0
        alarm = self._mostly.step(height > 0)
        if self._mostly.log[-1] < 0 and not alarm:
            self._since = number + 1
        return self._since if alarm else 0
