"""Weights that fade: the norm of all falls to a quarter within 1,024 steps, and the second half of it wins nothing."""

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.records import Step

_BLOCK, _BLOCKS = 32, 32
_HALF = math.log(2)


class _Mark(NamedTuple):
    """A block of steps: its last, ln of the norm of all weights there, mean loss and the square of its error."""

    step: int
    weight: float
    loss: float
    error: float


class Fading:
    """Fed with every step; judged at the end of each block."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque(maxlen=_BLOCKS + 1)
        self._losses: list[float] = []

    def restart(self) -> None:
        """Forgets the blocks: other tensors may be trained from here on."""
        self._marks.clear()
        self._losses.clear()

    def step(self, record: Step) -> Iterator[Finding]:
        """What the block that ends at this step says."""
        if record.loss is not None:
            self._losses.append(record.loss)
        if record.step % _BLOCK or not record.weight or len(self._losses) < _BLOCK // 2:
            return
        error = float(np.var(self._losses)) / len(self._losses)
        now = _Mark(record.step, math.log(record.weight), float(np.mean(self._losses)), error)
        self._losses.clear()
        self._marks.append(now)
        top = max(self._marks, key=lambda mark: mark.weight)
        if top.weight - now.weight < 2 * _HALF:
            return
        half = next(m for m in self._marks if m.step > top.step and m.weight <= top.weight - _HALF)
        if half.step < now.step and now.loss >= half.loss - 2 * math.sqrt(now.error + half.error):
            ratio = math.exp(now.weight - top.weight)
            says = f"the norm of all weights fell to x{ratio:.3g} in {now.step - top.step} steps by {now.step}"
            without = f"the loss does not fall since step {half.step}, when half of it was left"
            numbers = {"ratio": ratio, "samples": now.step}
            yield finding("weight.shrinks", "VIOLATES", f"{says}; {without}", "all weights", **numbers)
