"""Shares: how often something happens while weights move, and how surely a unit is dead.

For X in [0, 1] with conditional means whose running average is p, exp(l S - t ln(1 + p (e^l - 1))) is below a
supermartingale for each l (Hoeffding's chord and concavity), so the p that a mixture over l does not refute form an
interval that holds at all times together, without independence (docs: watching).
"""

import math

import numpy as np

_STEPS = 0.02 * 2.0 ** np.arange(12)


class Share:
    """Sum and count of something in [0, 1]."""

    def __init__(self) -> None:
        self.sum = 0.0
        self.count = 0

    def step(self, x: float) -> None:
        """Counts one value."""
        self.sum += x
        self.count += 1

    def interval(self, alpha: float) -> tuple[float, float]:
        """An interval for the running average of the mean: at any time it misses with probability alpha at most."""
        if not self.count:
            return 0.0, 1.0
        return self._end(alpha, -1.0), self._end(alpha, 1.0)

    def _end(self, alpha: float, side: float) -> float:
        inside, outside = self.sum / self.count, 0.0 if side < 0 else 1.0
        if self._log(outside, -side) < math.log(2 / alpha):
            return outside
        for _ in range(50):
            middle = (inside + outside) / 2
            kept = self._log(middle, -side) < math.log(2 / alpha)
            inside, outside = (middle, outside) if kept else (inside, middle)
        return outside

    def _log(self, p: float, sign: float) -> float:
        steps = sign * _STEPS
        with np.errstate(divide="ignore"):
            chord = np.log1p(p * np.expm1(steps))
        return float(np.logaddexp.reduce(steps * self.sum - self.count * chord) - math.log(len(steps)))


def silent_below(rows: int, alpha: float) -> float:
    """The largest chance of being active at which a unit stays silent on `rows` sampled inputs with probability alpha.

    >>> round(silent_below(4096, 1e-6), 4)
    0.0034
    """
    return -math.expm1(math.log(alpha) / rows)
