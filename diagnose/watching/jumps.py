"""What follows a change that is known beforehand: losses above all that the run ever had.

After a jump of the rate, or of what is trained, all that was learnt of the noise is forgotten. A count needs none: of
m losses after n exchangeable ones j or more are above all n with the probability of `precedence`.
"""

import math
from collections.abc import Iterator

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.spikes import precedence

_BEFORE, _AFTER = 128, 64  # losses that are needed before, and that are looked at after
_LEAST = 8  # of those after


class Jumps:
    """Fed with the log of every loss; `alpha` is a rate by step."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha * _AFTER  # of each look, of which there is one in so many steps at most
        self._highest, self._count = -math.inf, 0
        self._why, self._step = "", 0
        self._above = self._seen = 0

    def begin(self, step: int, why: str) -> None:
        """Something changed at this step, and is told as `why`."""
        if self._count >= _BEFORE and not self._why:
            self._why, self._step, self._above, self._seen = why, step, 0, 0

    def step(self, loss: float) -> Iterator[Finding]:
        """What this loss adds; a loss that is no number does not count."""
        if not math.isfinite(loss):
            return
        if not self._why:
            self._highest, self._count = max(self._highest, loss), self._count + 1
            return
        self._seen += 1
        self._above += loss > self._highest
        p = precedence(self._above, _AFTER, self._count)
        found = self._above >= _LEAST and p <= self.alpha
        if found:
            count = f"{self._above} of the next {self._seen} losses are above all {self._count:,} before"
            says = f"{self._why} at step {self._step}: {count}; p {p:.1g} by the count"
            yield finding("loss.grows", "VIOLATES", says, "loss", samples=self._step, alpha=p)
        if found or self._seen == _AFTER:
            self._why = ""
