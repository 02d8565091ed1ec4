"""A run that is thrown in its first steps: an update that leaves little of the weights, and a loss that rises at once.

It is a fact about these steps, no estimate: nothing is known of the noise yet, so the loss must double for most of the
steps that follow, and be above the first at each of them.
"""

import math
from collections.abc import Iterator
from statistics import median

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.records import Step

_WHOLE = 0.5  # of the norm that the weights have after it
_STEPS = 8  # losses that are looked at, or fewer where one is not finite
_DOUBLED = 2.0


class Firsts:
    """Fed from the first step on; says one thing at most."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._thrown: tuple[int, float] | None = None  # step, and the largest share of the weights that was its update
        self._over = False

    def step(self, record: Step) -> Iterator[Finding]:
        """What the losses since the first step say."""
        if self._over or not record.given:
            return
        self._losses.append(math.inf if record.nonfinite else record.loss or 0.0)
        if self._losses[-1] < self._losses[0] or self._losses[0] <= 0 or math.isinf(self._losses[0]):
            self._over = True  # it learns, or there is nothing to compare with
            return
        if len(self._losses) > _STEPS or math.isinf(self._losses[-1]):
            self._over = True
            yield from self._judged()
        elif record.update and record.weight and (self._thrown or (0, _WHOLE))[1] < record.update / record.weight:
            self._thrown = record.step, record.update / record.weight

    def _judged(self) -> Iterator[Finding]:
        risen = median(self._losses[1:]) / self._losses[0]
        if self._thrown is None or risen < _DOUBLED:
            return
        step, share = self._thrown
        to = f"to x{risen:.3g} of the first" if math.isfinite(risen) else "beyond all numbers"
        says = (
            f"the update of step {step} is {100 * share:.0f} % of the weights after it, and the loss rose at once, {to}"
        )
        yield finding("update.large", "VIOLATES", says, "all updates", observed=share, ratio=risen, samples=step)
