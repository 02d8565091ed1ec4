"""From the numbers of one step after another to alarms, each with its kind, its rate and the step since when.

One alpha a step covers the run: half of it goes to the detectors of change, a quarter to spikes, a quarter to the
intervals of shares and trends, which hold at all times together. Where the rate changes by more than 1.5, what was
learnt is forgotten: the moment is known beforehand, so the guarantee stands.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.detectors import RULES, Detectors, merged
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.shares import Share
from varlaw.diagnose.watching.spikes import Spikes
from varlaw.diagnose.watching.tracker import BURN_IN, Tracker
from varlaw.diagnose.watching.trends import Change, Trend

Floats = NDArray[np.float64]

ALPHA = 1e-5  # false alarms a step
_STUCK = 0.05  # fall of the loss that must be excluded before it is called stuck
_CLIPPED = 0.95  # share of steps
_LOST = 0.5  # share of entries
_SETTLED = 1024  # steps in which updates are not judged: second moments of Adam, at beta2 = 0.999, are still growing
_QUIET = 1024  # steps for which one word is not said again
_JUMP = 1.5  # of the rate, beyond which a signal is learnt anew
_GLOBAL = ("loss", "gradient", "update")
_SPIKES = {"loss": "loss.spike", "gradient": "gradient.spike", "update": "update.large"}


class Judge:
    """Fed with every step; `step` gives what is said at it."""

    def __init__(self, names: Sequence[str], alpha: float = ALPHA) -> None:
        self.names, self.alpha = list(names), alpha
        count = 3 + 2 * len(names)
        most = np.full(count, 0.2)
        most[2], most[3 + len(names) :] = 0.35, 0.35
        self._tracker, self._detectors = Tracker(count), Detectors(count, most)
        self._spikes = {name: Spikes(alpha / 4 / len(_SPIKES)) for name in _SPIKES}
        self._loss, self._weight = Trend(alpha / 16), Trend(alpha / 16)
        self._clipped, self._lost = Share(), Share()
        self._said: dict[str, int] = {}
        self._rate: float | None = None
        self._since = 0  # the step of the last start or restart
        self._first_loss: list[float] = []
        self._lowest = math.inf
        self._limit, self._at_limit = 0.0, 0
        self._threshold = math.log(2 * self._families / alpha)

    _families = 3 * len(RULES)  # groups of signals times rules

    def step(self, record: Step, gradients: Floats, updates: Floats) -> Iterator[Finding]:
        """What is said at this step. `gradients`, `updates`: norms by tensor, NaN where there is none."""
        self._watch_rate(record)
        yield from self._nan(record)
        x = self._signals(record, gradients, updates)
        if record.step - self._since < _SETTLED:
            x[2], x[3 + len(self.names) :] = math.nan, math.nan
        g, excess, turned, ready = self._tracker.step(x)
        logs = self._detectors.step(g, excess, turned, ready)
        yield from self._changes(record.step, logs, ready)
        yield from self._spiked(record.step, x)
        yield from self._slow(record)
        yield from self._levels(record)

    # -- what is fed -----------------------------------------------------------------------------------------------

    def _signals(self, record: Step, gradients: Floats, updates: Floats) -> Floats:
        rate = record.rate or math.nan
        with np.errstate(all="ignore"):
            head = [
                _ln(record.loss),
                _ln(record.gradient),
                _ln(record.update) - math.log(rate) if rate > 0 else math.nan,
            ]
            x = np.concatenate([head, np.log(gradients), np.log(updates) - np.log(rate)])
        x[~np.isfinite(x)] = np.nan
        return x

    def _watch_rate(self, record: Step) -> None:
        rate = record.rate
        if rate and self._rate and abs(math.log(rate / self._rate)) > math.log(_JUMP):
            everything = np.ones(self._tracker.count, dtype=bool)
            self._tracker.restart(everything)
            self._detectors.restart(everything)
            for spikes in self._spikes.values():
                spikes.restart()
            self._loss.restart()
        self._rate = rate or self._rate

    # -- what is said ----------------------------------------------------------------------------------------------

    def _once(self, key: str, step: int = 0, *, again: bool = False) -> bool:
        """Whether this is said for the first time, or `again` for the first time in a while."""
        last = self._said.get(key)
        new = last is None or (again and step - last > _QUIET)
        if new:
            self._said[key] = step
        return new

    def _nan(self, record: Step) -> Iterator[Finding]:
        if record.loss is None and record.step and self._once("nan"):
            yield finding("loss.nan", "VIOLATES", f"the loss is not finite at step {record.step}", "loss")

    def _changes(self, step: int, logs: dict[str, Floats], ready: NDArray[np.bool_]) -> Iterator[Finding]:
        for rule, log in logs.items():
            for group, (first, last) in self._groups().items():
                where = slice(first, last)
                if merged(log[where], ready[where]) < self._threshold or (word := _word(group, rule)) is None:
                    continue
                alarmed = np.zeros(len(log), dtype=bool)
                alarmed[where] = True
                culprit = first + int(np.nanargmax(np.where(ready[where], log[where], -np.inf)))
                self._detectors.reset(rule, alarmed)
                if self._once(word, step, again=True):
                    yield self._alarm(word, rule, group, culprit, step)

    def _groups(self) -> dict[str, tuple[int, int]]:
        n = len(self.names)
        return {"loss": (0, 1), "gradient": (1, 3 + n) if not n else (3, 3 + n), "update": (3 + n, 3 + 2 * n)}

    def _alarm(self, word: str, rule: str, group: str, culprit: int, step: int) -> Finding:
        names = ["loss", "all gradients", "all updates", *self.names, *self.names]
        says = f"{names[culprit]}: {group} {RULES[rule].says} by step {step}; {RULES[rule].assumes}"
        rate = f"at most one false alarm in {1 / (self.alpha / 2):.2g} steps, on average"
        return finding(word, "VIOLATES", f"{says}; {rate}", names[culprit], samples=step, alpha=self.alpha / 2)

    def _spiked(self, step: int, x: Floats) -> Iterator[Finding]:
        for i, name in enumerate(_SPIKES):
            centre = self._tracker.centre()[i]
            spike = self._spikes[name].step(float(x[i] - centre)) if self._tracker.age[i] > BURN_IN else None
            if spike and self._once(_SPIKES[name], step, again=True):
                says = (
                    f"x{spike.factor:.3g} of the largest of the last 1,024 at step {step}; p {spike.p:.1g} for a tail"
                )
                full = f"{says} of the log no heavier than exponential, {spike.rank:.1g} without that"
                yield finding(_SPIKES[name], "VIOLATES", full, name, ratio=spike.factor, samples=step, alpha=spike.p)

    def _slow(self, record: Step) -> Iterator[Finding]:
        loss = _ln(record.loss)
        if math.isfinite(loss):
            self._first_loss = [*self._first_loss, loss][:32]
        change = self._loss.step(loss)
        if change:
            self._lowest = min(self._lowest, loss)
            yield from self._stuck(change, record.step)
        grown = self._weight.step(_ln(record.weight))
        if grown and grown.low > math.log(2) and self._once("weight"):
            says = (
                f"the norm of all weights grew by at least x{math.exp(grown.low):.3g} in 1,024 steps by {record.step}"
            )
            yield finding(
                "weight.grows", "VIOLATES", says, "all weights", ratio=math.exp(grown.middle), alpha=grown.alpha
            )

    def _stuck(self, change: Change, step: int) -> Iterator[Finding]:
        """Stuck is said of a loss that has not fallen since the start; one that fell and now rests has converged."""
        fell = float(np.median(self._first_loss)) - self._lowest
        if change.low > -_STUCK and fell < _STUCK and self._once("stuck"):
            says = f"a fall of {_STUCK:.0%} in 1,024 steps is excluded at step {step}"
            yield finding(
                "loss.stuck", "VIOLATES", says, "loss", ratio=math.exp(change.middle), samples=step, alpha=change.alpha
            )

    def _levels(self, record: Step) -> Iterator[Finding]:
        if record.step <= BURN_IN:
            return
        if record.gradient is not None:
            self._clip(record.gradient)
            low, high = self._clipped.interval(self.alpha / 16)
            if low > _CLIPPED and self._once("clip"):
                says = f"{low:.1%} to {high:.1%} of the steps end at a norm of {self._limit:.4g}"
                yield finding(
                    "clip.always",
                    "VIOLATES",
                    says,
                    "all gradients",
                    observed=low,
                    samples=self._clipped.count,
                    alpha=self.alpha / 16,
                )
        if record.lost is not None:
            self._lost.step(record.lost)
            low, high = self._lost.interval(self.alpha / 16)
            if low > _LOST and self._once("lost"):
                says = f"{low:.1%} to {high:.1%} of the entries with a gradient do not move: rounding takes the update"
                yield finding(
                    "update.lost",
                    "VIOLATES",
                    says,
                    "all updates",
                    observed=low,
                    samples=self._lost.count,
                    alpha=self.alpha / 16,
                )

    def _clip(self, norm: float) -> None:
        """A norm that many steps share is a limit: of real gradients no two are equal."""
        same = self._limit > 0 and abs(norm - self._limit) <= 1e-5 * self._limit
        if not same and norm > self._limit:
            self._limit, self._clipped = norm, Share()
        self._clipped.step(float(same))


def _ln(x: float | None) -> float:
    return math.log(x) if x is not None and x > 0 else math.nan


def _word(group: str, rule: str) -> str | None:
    """The signal that a rule on a group of signals speaks of; falling losses and gradients are no alarm."""
    return {
        ("loss", "up"): "loss.grows",
        ("loss", "turns"): "loss.oscillates",
        ("gradient", "up"): "gradient.grows",
        ("update", "up"): "update.large",
    }.get((group, rule))
