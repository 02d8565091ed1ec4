"""A loss that falls without an end: below 0, far, faster than any square of the time, while the gradients grow.

A loss that is bounded below does none of that, and a likelihood of densities falls below 0 ever more slowly. It is a
fact about medians of blocks of steps.
"""

from collections.abc import Iterator
from statistics import median

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.records import Step

_BLOCK, _BLOCKS = 32, 4  # steps, and blocks before which nothing is said
_FAR = 100.0  # times the size of the first losses
_FASTER = 4.0  # times the depth at half the time
_GREW = 3.0  # times the gradients of the first steps


class Unbounded:
    """Fed with every step; says one thing at most."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._gradients: list[float] = []
        self._depths: list[float] = []  # medians of the losses of a block
        self._first = self._start = 0.0  # the median gradient of the first block, the largest of its losses

    def step(self, record: Step) -> Iterator[Finding]:
        """What the block that ends at this step says."""
        if record.loss is None or record.gradient is None:
            return
        self._losses.append(record.loss)
        self._gradients.append(record.gradient)
        if len(self._losses) < _BLOCK:
            return
        gradient = median(self._gradients)
        self._first = self._first or gradient
        self._depths.append(median(self._losses))
        self._start = self._start or max(map(abs, self._losses))
        self._losses, self._gradients = [], []
        now, half = self._depths[-1], self._depths[len(self._depths) // 2 - 1]
        far = len(self._depths) >= _BLOCKS and now < -_FAR * self._start and now < _FASTER * half
        if far and gradient > _GREW * self._first:
            says = (
                f"the loss is {now:.3g} at step {record.step}, {half:.3g} at half of them, and gradients grow with it"
            )
            ratio = gradient / self._first
            yield finding("loss.unbounded", "VIOLATES", says, "loss", observed=now, ratio=ratio, samples=record.step)
