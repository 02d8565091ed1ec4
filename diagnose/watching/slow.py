"""What only long stretches show: a loss that is stuck, weights that grow or fade, updates too small to get anywhere.

Of weights that double or halve within 1,024 steps a violation is said only while the loss does not fall: a model that
starts small and learns must grow.
"""

import math
from collections import deque
from collections.abc import Iterator

import numpy as np

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.above import MOST, Above
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.trends import Change, Trend

_STUCK = 0.05  # fall of the loss that must be excluded before it is called stuck
_BACK = 0.9  # of the loss at first: where the loss is above it again, what was learnt is gone
_NOISE = 3.0  # standard deviations of the first steps that a loss must have fallen by, beside its half
_THROWN = 2.0  # times the norm of the weights: an update beyond it leaves nothing of them
_FLOWN = 100.0  # times the norm at first: weights that went so far, while the loss is worse, will not come back
_PATH = 0.01  # length of the way of the weights, of their own norm, below which they have hardly begun


class Slow:
    """Trends of the loss and of the weights; `alpha` is shared by them."""

    def __init__(self, alpha: float) -> None:
        self._loss, self._weight = Trend(alpha / 4), Trend(alpha / 4)
        self._back = Above(alpha / 2)
        self._first: list[float] = []
        self._lowest = math.inf  # of the loss, over windows
        self._weight_first = 0.0
        self._path = 0.0  # of the weights since the start, as a share of their norm
        self._falls = False  # whether the loss fell over the last window
        self._recent: deque[float] = deque(maxlen=32)  # logs of the loss
        self._weight_before, self._thrown = math.inf, 0.0

    @property
    def path(self) -> float:
        """How far the weights went, all updates laid end to end, as a share of their norm."""
        return self._path

    def restart(self) -> None:
        """Forgets the windows in hand."""
        self._loss.restart()
        self._weight.restart()

    def step(self, record: Step) -> Iterator[Finding]:
        """What the windows that close at this step say."""
        if record.update and record.weight:
            self._path += record.update / record.weight
        loss = _ln(record.loss)
        if len(self._first) < 32 and math.isfinite(loss):
            self._first.append(loss)
        self._weight_first = self._weight_first or record.weight or 0.0
        yield from self._flown(record, loss)
        yield from self._threw(record, loss)
        yield from self._returned(record.step, loss)
        if math.isfinite(loss):
            self._recent.append(loss)
        change = self._loss.step(loss)
        if change:
            self._falls = change.high < 0
            self._lowest = min(self._lowest, loss)
            yield from self._stuck(change, record.step)
        grown = self._weight.step(_ln(record.weight))
        if grown:
            yield from self._weights(grown, record.step)

    def _flown(self, record: Step, loss: float) -> Iterator[Finding]:
        if record.step % 32 or len(self._first) < 32 or not record.weight:
            return
        ratio = record.weight / self._weight_first
        if ratio > _FLOWN and loss > self._first[0] + math.log(2):
            says = (
                f"the norm of all weights is x{ratio:.3g} of the first at step {record.step}, and the loss has doubled"
            )
            yield finding("weight.grows", "VIOLATES", says, "all weights", ratio=ratio, samples=record.step)

    def _threw(self, record: Step, loss: float) -> Iterator[Finding]:
        """One update that is larger than all the weights, and a loss that is twice as high right after it."""
        ratio, self._thrown = self._thrown, 0.0
        usual = float(np.median(self._recent)) if len(self._recent) == 32 else math.inf
        if ratio > _THROWN and loss > usual + math.log(2):
            says = f"step {record.step - 1} moved the weights by x{ratio:.3g} of their norm, and the loss doubled"
            yield finding("update.spike", "VIOLATES", says, "all updates", ratio=ratio, samples=record.step - 1)
        if record.update and record.weight:
            self._thrown = record.update / self._weight_before
            self._weight_before = record.weight

    def _returned(self, step: int, loss: float) -> Iterator[Finding]:
        """A loss that had fallen to half, and is back where it was at first."""
        if len(self._first) < 32 or not math.isfinite(loss):
            return
        first = float(np.median(self._first))
        fell = float(np.median(self._recent)) < first - math.log(2) - _NOISE * float(np.std(self._first))
        since = self._back.step(step, loss - first - math.log(_BACK), armed=fell)
        if since:
            back = f"back at {100 * _BACK:.0f} % of the first or above since step {since}"
            says = f"the loss is {back}: what was learnt is gone"
            assumes = f"{self._back.rate}, where, given the past, at most {100 * MOST:.0f} % of steps are"
            yield finding("loss.grows", "VIOLATES", f"{says}; {assumes}", "loss", samples=step, alpha=self._back.alpha)

    def _stuck(self, change: Change, step: int) -> Iterator[Finding]:
        """Stuck is said of a loss that has not fallen since the start; one that fell and now rests has converged."""
        fell = sorted(self._first)[len(self._first) // 2] - self._lowest
        if change.low <= -_STUCK or fell >= _STUCK:
            return
        numbers = {"samples": step, "alpha": change.alpha}
        says = f"a fall of {100 * _STUCK:.0f} % in 1,024 steps is excluded at step {step}"
        yield finding("loss.stuck", "VIOLATES", says, "loss", ratio=math.exp(change.middle), **numbers)
        if self._path < _PATH:
            says = (
                f"all updates in {step} steps, laid end to end, are {self._path:.2g} of the weights; the loss is stuck"
            )
            yield finding("update.small", "VIOLATES", says, "all updates", observed=self._path, **numbers)

    def _weights(self, change: Change, step: int) -> Iterator[Finding]:
        outcome = "NOTE" if self._falls else "VIOLATES"
        numbers = {"ratio": math.exp(change.middle), "samples": step, "alpha": change.alpha}
        if change.low > math.log(2):
            says = f"the norm of all weights grew by at least x{math.exp(change.low):.3g} in 1,024 steps by {step}"
            yield finding("weight.grows", outcome, says, "all weights", **numbers)
        elif change.ends > math.log(2):
            says = (
                f"the norm of all weights is x{math.exp(change.ends):.3g} of what it was 1,024 steps before, at {step}"
            )
            yield finding("weight.grows", "NOTE", says, "all weights", ratio=math.exp(change.ends), samples=step)
        if change.high < -math.log(2):
            says = f"the norm of all weights fell to x{math.exp(change.high):.3g} or less in 1,024 steps by {step}"
            yield finding("weight.shrinks", outcome, says, "all weights", **numbers)


def _ln(x: float | None) -> float:
    return math.log(x) if x is not None and x > 0 else math.nan
