"""Shares of steps and of entries: clipped steps, updates lost or far too large.

Clipped steps are counted by an e-detector, whose rate is stated; of the others intervals are said that hold at all
times.
"""

from collections import deque
from collections.abc import Iterator
from statistics import median

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.above import Mostly
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.shares import Share
from varlaw.diagnose.watching.tracker import BURN_IN

_CLIPPED = 0.95  # share of steps
_BETS = (0.99, 0.9999)
_LOST = 0.5  # share of entries
_WHOLE = 0.5  # of the norm of the weights: an update of this size leaves little of them
_MOST = 0.5  # share of steps with such an update
_EVERY = 32  # steps between looks at the intervals
_FELL = 0.1  # of the loss


class Levels:
    """Three shares; `alpha` is shared by them."""

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha / 4
        self._clipped, self._lost, self._large = Share(), Share(), Share()
        self._clips = Mostly(alpha / 2, _CLIPPED, _BETS)
        self._limit = 0.0
        self._settled = False  # whether what was counted at the start was put aside
        self._first: deque[float] = deque(maxlen=_EVERY)  # losses
        self._recent: deque[float] = deque(maxlen=_EVERY)

    def step(self, record: Step) -> Iterator[Finding]:
        """What is said of the shares after this step."""
        if record.loss is not None:
            (self._recent if len(self._first) == _EVERY else self._first).append(record.loss)
        if record.gradient is not None:
            yield from self._clip(record.gradient, record.step)
        if record.lost is not None:
            self._lost.step(record.lost)
        if record.update and record.weight and record.step > BURN_IN:
            self._large.step(float(record.update > _WHOLE * record.weight))
        if record.step % _EVERY:
            return
        low, high = self._lost.interval(self._alpha)
        if low > _LOST:
            says = f"{100 * low:.1f} % to {100 * high:.1f} % of the entries with a gradient do not move"
            says += ": rounding takes the update"
            says += f" (rate {record.rate:.2g})" if record.rate is not None else ""
            says += f", by step {record.step}"
            yield self._said("update.lost", says, "all updates", low, self._lost)

        low, high = self._large.interval(self._alpha)
        if low > _MOST:
            says = f"{100 * low:.1f} % to {100 * high:.1f} % of the steps move the weights"
            says += f" by more than {100 * _WHOLE:.0f} % of their norm"
            says += f", by step {record.step}"
            yield self._said("update.large", says, "all updates", low, self._large)

    def _learns(self) -> bool:
        """Whether the loss is lower than at first by a tenth."""
        return bool(self._recent) and median(self._recent) < (1 - _FELL) * median(self._first)

    def _said(self, word: str, says: str, where: str, low: float, share: Share) -> Finding:
        return finding(word, "VIOLATES", says, where, observed=low, samples=share.count, alpha=self._alpha)

    def _clip(self, norm: float, step: int) -> Iterator[Finding]:
        """A norm that many steps share is a limit: of real gradients no two are equal."""
        same = self._limit > 0 and abs(norm - self._limit) <= 1e-5 * self._limit
        if not same and norm > self._limit:
            self._limit, self._clipped = norm, Share()
            self._clips.restart()
            return  # the step that shows the limit is not counted
        self._clipped.step(float(same))
        if not self._clips.step(same):
            return
        if not self._settled and self._learns():
            self._clipped, self._settled = Share(), True  # gradients are large at first: counted anew
            return
        share, count = self._clipped.sum / self._clipped.count, self._clipped.count
        says = f"{100 * share:.1f} % of the {count:,} steps up to step {step} end at a norm of {self._limit:.4g}"
        assumes = f"{self._clips.rate}, where, given the past, at most {100 * _CLIPPED:.0f} % do"
        numbers = {"observed": share, "samples": count, "alpha": self._clips.alpha}
        yield finding("clip.always", "VIOLATES", f"{says}; {assumes}", "all gradients", **numbers)
