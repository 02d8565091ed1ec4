"""Whether a loss that oscillates is thrown by its own steps, or batches of different kinds take turns.

A step d makes a convex loss worse by g d at most, with g the gradient after the step. So what the steps explain of the
rises of a loss is at most the sum of g d over them: all where a step is too long for its valley, nearly nothing where
every other batch is a harder one. Clipping hides the size of g: a fiftieth will do then, and its direction is asked.
"""

from collections.abc import Iterator
from itertools import pairwise

import msgspec
import numpy as np

from varlaw.diagnose.records import Finding
from varlaw.diagnose.watching.records import Step

_STEPS = 64  # after an alarm
_PART, _CUT = 0.5, 0.02  # of the rises; the same where gradients are clipped
_BACK = 0.2  # cosine of a step and the gradient after it
_EQUAL = 1e-5  # relative: norms that are no closer are not clipped


class Overshoot:
    """Looks at the steps that follow an alarm, and then says it as a violation or as a note."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Drops an alarm that waits."""
        self._alarm: Finding | None = None
        self._steps: list[Step] = []

    @property
    def wanted(self) -> bool:
        """Whether the products of gradients with the steps before them are asked for."""
        return self._alarm is not None

    def begin(self, alarm: Finding) -> None:
        """An alarm, unless one waits."""
        self._alarm = self._alarm or alarm

    def step(self, record: Step) -> Iterator[Finding]:
        """The alarm, when it is known what it is."""
        if self._alarm is None:
            return
        self._steps.append(record)
        if len(self._steps) > _STEPS:
            yield _judged(self._alarm, self._steps)
            self.restart()


def _judged(alarm: Finding, steps: list[Step]) -> Finding:
    pairs = [(a, b) for a, b in pairwise(steps) if (b.loss or 0.0) > (a.loss or 0.0)]
    known = [b.along for _, b in pairs if b.along is not None]
    if len(known) < len(pairs) or not pairs:
        return alarm  # nobody saw the gradients
    back, risen = sum(known), sum((b.loss or 0.0) - (a.loss or 0.0) for a, b in pairs)
    share = back / risen
    long = sum((b.gradient or 0.0) * (a.update or 0.0) for a, b in pairs)
    thrown = share >= _PART or (share >= _CUT and _clipped(steps) and back >= _BACK * long)
    says = f"{alarm.says}; to first order its steps explain {100 * share:.3g} % of how it rises in the next {_STEPS}"
    if thrown:
        return msgspec.structs.replace(alarm, says=says)
    return msgspec.structs.replace(alarm, outcome="NOTE", says=f"{says}: batches of different kinds take turns")


def _clipped(steps: list[Step]) -> bool:
    norms = np.array([s.gradient or 0.0 for s in steps])
    return bool(np.mean(norms >= (1 - _EQUAL) * norms.max()) >= _PART)
