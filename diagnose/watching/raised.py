"""A loss that jumps while it still falls, by a count that needs no centre: what the first, steep steps teach hides it.

Of the last 32 losses most are twice as far above the usual as the largest of 64 before them; 32 between are left out,
so that a jump among them spoils neither. Above the largest alone, of losses that are exchangeable, or fall, so many
are with the probability of `precedence` at most; twice as far is for losses that wander, whose neighbours are alike.
Where they are so alike that a wave would do it (a correlation that independent noise does not show) nothing is said.
"""

import math
from collections import deque

import numpy as np

from varlaw.diagnose.watching.detectors import Rule
from varlaw.diagnose.watching.spikes import precedence

COUNT = Rule(
    "count",
    "jumps far above all losses before",
    "given the past, losses are exchangeable or fall, neighbours not alike",
)
_BLOCK, _BEFORE = 32, 64  # losses after, losses before
_MOSTLY = 24  # of the block
_UNTIL = 640  # steps, after which the detector of levels has a centre that was learnt late
_PART = 0.25  # of what was learnt
_ALIKE = 0.4  # correlation of neighbours, beside a parabola: above 0.25 in 1 % of 64 that are independent


class Raised:
    """Fed with the log of every loss; `alpha` is a rate by step."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha * _BLOCK  # of each look
        self.restart()

    def restart(self) -> None:
        """Forgets all losses."""
        self._losses: deque[float] = deque(maxlen=_BEFORE + 2 * _BLOCK)
        self._count = 0

    def step(self, loss: float) -> float | None:
        """The usual level before, where the block that ends here is far above all before by no chance."""
        if self._count >= _UNTIL or not math.isfinite(loss):
            return None
        self._losses.append(loss)
        self._count += 1
        if self._count % _BLOCK or len(self._losses) < _BEFORE + 2 * _BLOCK:
            return None
        losses = np.array(self._losses)
        usual, largest = float(np.median(losses[:_BEFORE])), float(losses[:_BEFORE].max())
        above = int((losses[-_BLOCK:] > 2 * largest - usual).sum())
        found = above >= _MOSTLY and precedence(above, _BLOCK, _BEFORE) <= self.alpha
        return usual if found and _neighbours(losses[:_BEFORE]) < _ALIKE else None


def _neighbours(losses: np.ndarray) -> float:
    """The correlation of each loss with the next, of what a parabola leaves of them."""
    steps = np.arange(len(losses))
    left = losses - np.polyval(np.polyfit(steps, losses, 2), steps)
    return float(left[1:] @ left[:-1] / max(float(left @ left), 1e-300))


class Learnt:
    """What the loss was at first, and the lowest block since: how much of the way between a rise took back."""

    def __init__(self) -> None:
        self._block: list[float] = []
        self._first: list[float] = []
        self._lowest = math.inf

    def step(self, loss: float) -> int:
        """Counts one loss, as its log; of a block that ends, the losses worse than untrained once half was learnt."""
        if not math.isfinite(loss):
            return 0
        self._block.append(loss)
        if len(self._block) < _BLOCK:
            return 0
        block, self._block = self._block, []
        self._first = self._first or block
        learnt = self._lowest < float(np.median(self._first)) - math.log(2)
        self._lowest = min(self._lowest, float(np.median(block)))
        return sum(map(self.worse, block)) if learnt else 0

    def lost(self, now: float) -> bool:
        """Whether a loss of `now` is a quarter of the way back to the first, or nothing was learnt."""
        first, lowest, there = (math.exp(min(x, 700.0)) for x in (self._level(), self._lowest, now))
        return there - lowest >= _PART * (first - lowest)

    def worse(self, now: float) -> bool:
        """Whether a loss of `now` is twice the largest of the first: a model that knows nothing does better."""
        return bool(self._first) and now > max(self._first) + math.log(2)

    def _level(self) -> float:
        return float(np.median(self._first)) if self._first else self._lowest
