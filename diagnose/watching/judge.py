"""From the numbers of one step after another to alarms, each with its kind, its rate and the step since when.

One alpha a step covers the run: half of it goes to the detectors of change, a quarter to spikes, a quarter to the
intervals of shares and trends, which hold at all times together. Where the rate, the number of backward passes or the
set of trained tensors changes, what was learnt is forgotten: the moment is known beforehand, so the guarantee stands.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.detectors import RULES, Detectors, merged
from varlaw.diagnose.watching.fading import Fading
from varlaw.diagnose.watching.firsts import Firsts
from varlaw.diagnose.watching.jumps import Jumps
from varlaw.diagnose.watching.lasting import WAIT, Lasting, Rise
from varlaw.diagnose.watching.levels import Levels
from varlaw.diagnose.watching.overshoot import Overshoot
from varlaw.diagnose.watching.raised import COUNT, Learnt, Raised
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.shrinking import Shrinking
from varlaw.diagnose.watching.slow import Slow
from varlaw.diagnose.watching.spiking import Spiking
from varlaw.diagnose.watching.tracker import BURN_IN, Tracker
from varlaw.diagnose.watching.unbounded import Unbounded

Floats = NDArray[np.float64]

ALPHA = 1e-5  # false alarms a step
_SETTLED = 1024  # steps in which updates are not judged: second moments of Adam, at beta2 = 0.999, are still growing
# Steps in which gradients by tensor are not judged, and after which all is learnt anew: a run begins unlike what
# follows, its loss falls fast, its gradients grow in health.
_EARLY = 512
_SUSPECTED = 3.0  # nats of evidence for a rise beyond which the loss is not learnt anew: the rise would be learnt, too
_WORSE = 8  # of a block of 32 losses
_SPAN = 256  # steps over which it is seen whether the loss falls
_QUIET = 1024  # steps for which one word is not said again
_JUMP = 1.5  # of the rate or the number of backward passes, beyond which a signal is learnt anew
_PATIENCE = 16  # steps for which another number of backward passes is taken for an odd step
# The signal that a rule on a group speaks of; falling losses and gradients are no alarm.
_WORDS = {
    ("loss", "up"): "loss.grows",
    ("loss", "turns"): "loss.oscillates",
    ("gradient", "up"): "gradient.grows",
    ("update", "up"): "update.large",
}
_USED = tuple(rule for rule in RULES if any(rule == used for _, used in _WORDS))
RATE = f"at most one false alarm in {2 / ALPHA:.2g} steps, on average"


class Judge:
    """Fed with every step; `step` gives what is said at it."""

    def __init__(self, names: Sequence[str], alpha: float = ALPHA) -> None:
        self.names, self.alpha = list(names), alpha
        count = 3 + 2 * len(names)
        most = np.full(count, 0.2)
        most[2], most[3 + len(names) :] = 0.35, 0.35
        self._tracker, self._detectors = Tracker(count), Detectors(count, most, _USED)
        self._spiking, self._overshoot = Spiking(alpha / 8, alpha / 16), Overshoot()
        self._slow, self._levels = Slow(alpha / 8), Levels(alpha / 8)
        self._lasting, self._firsts, self._fading = Lasting(), Firsts(), Fading()
        self._jumps, self._raised, self._learnt = Jumps(alpha / 32), Raised(alpha / 32), Learnt()
        self._unbounded, self._shrinking = Unbounded(), Shrinking()
        self._said: dict[str, int] = {}
        self._losses: deque[float] = deque(maxlen=_SPAN)  # their logs
        self._rate: float | None = None
        self._backwards = self._odd = self._trained = 0
        self._since = 0  # the step of the start, or of the last change of the trained tensors
        self._threshold = math.log(2 * 3 * len(RULES) / alpha)  # three groups of signals

    def step(self, record: Step, gradients: Floats, updates: Floats) -> Iterator[Finding]:
        """What is said at this step. `gradients`, `updates`: norms by tensor, NaN where there is none."""
        self._restarts(record)
        if self._odd:
            return
        x = self._signals(record, gradients, updates)
        if np.isfinite(x[0]):
            self._losses.append(float(x[0]))
        if record.step - self._since < _SETTLED:
            x[2], x[3 + len(self.names) :] = math.nan, math.nan
        if record.step - self._since == _EARLY:
            self._anew()
        if record.step - self._since < _EARLY:
            x[3 : 3 + len(self.names)] = math.nan
        centre = self._tracker.centre().copy()
        g, excess, turned, ready = self._tracker.step(x)
        logs = self._detectors.step(g, excess, turned, ready)
        turns = self._overshoot.step(record)
        yield from (f for f in turns if self._new(f"{f.signal} {f.outcome}", record.step, again=f.outcome != "NOTE"))
        yield from self._changes(record.step, logs, ready)
        yield from self._jumped(record.step, float(x[0]))
        lasts = f", and stays up for {WAIT} steps"
        over = [r for r in self._lasting.step(x, self._learnt) if r.group == "loss" or not self._falls()]
        yield from (self._alarm(rise, "VIOLATES", lasts) for rise in over if self._new(f"{rise.word} VIOLATES"))
        residuals = np.where(self._tracker.begun, x - centre, math.nan)[:3]
        spikes = self._spiking.step(record.step, residuals)
        yield from (f for f in spikes if self._new(f.signal, record.step, again=True))
        self._shrinking.step(record)
        rules = (self._slow, self._firsts, self._fading, self._unbounded)
        facts = [*self._jumps.step(float(x[0])), *(f for rule in rules for f in rule.step(record))]
        yield from (self._shrinking.named(f) for f in facts if self._new(f"{f.signal} {f.outcome}"))
        yield from (f for f in self._levels.step(record) if self._new(f.signal))

    # -- what is fed -----------------------------------------------------------------------------------------------

    def _signals(self, record: Step, gradients: Floats, updates: Floats) -> Floats:
        rate = record.rate or math.nan
        head = [record.loss or math.nan, record.gradient or math.nan, (record.update or math.nan) / rate]
        with np.errstate(all="ignore"):
            x = np.log(np.concatenate([head, gradients, updates / rate]))
        x[~np.isfinite(x)] = np.nan
        found: Floats = x
        return found

    def _restarts(self, record: Step) -> None:
        rate, backwards = record.rate, record.backwards
        times = rate / self._rate if rate and self._rate else 1.0
        jumped = abs(math.log(times)) > math.log(_JUMP)
        if jumped:
            self._jumps.begin(record.step, f"the rate went to x{times:.3g} of what it was")
        self._rate = rate or self._rate
        other = bool(self._backwards) and abs(math.log(backwards / self._backwards)) > math.log(_JUMP)
        self._odd = self._odd + 1 if other else 0
        thawed = bool(self._trained) and record.trained != self._trained
        self._trained = record.trained
        if not self._backwards or self._odd >= _PATIENCE:
            jumped, self._odd, self._backwards = jumped or bool(self._odd), 0, backwards
        if thawed:
            self._since = record.step
            self._jumps.begin(record.step, "other tensors are trained")
        if jumped or thawed:
            self.restart()

    @property
    def asks(self) -> bool:
        """Whether products of gradients with the updates before them are wanted."""
        return self._overshoot.wanted

    @property
    def path(self) -> float:
        """How far the weights went, all updates laid end to end, as a share of their norm."""
        return self._slow.path

    @property
    def rates(self) -> float:
        """The rates of all steps, summed."""
        return self._shrinking.rates

    def restart(self) -> None:
        """Forgets what was learnt of the noise; facts, shares and what was said stay."""
        self._forget()
        self._lasting.restart()
        self._raised.restart()
        self._tracker.begun[:] = False
        self._spiking.restart()
        self._overshoot.restart()
        self._slow.restart()
        self._fading.restart()

    def _anew(self) -> None:
        """Learns the loss from its last steps, unless it is blind or rises, and all else from what follows."""
        learnt = self._tracker.age[0] >= BURN_IN and self._detectors.evidence("up", 0) < _SUSPECTED
        self._forget(loss=learnt)
        if learnt:
            self._tracker.relearn(0, list(self._losses))

    def _forget(self, *, loss: bool = True) -> None:
        which = np.ones(self._tracker.count, dtype=bool)
        which[0] = loss
        self._tracker.restart(which)
        self._detectors.restart(which)

    # -- what is said ----------------------------------------------------------------------------------------------

    def _new(self, word: str, step: int = 0, *, again: bool = False) -> bool:
        """Whether this is said for the first time, or `again` for the first time in a while."""
        last = self._said.get(word)
        new = last is None or (again and step - last > _QUIET)
        if new:
            self._said[word] = step
        return new

    def _changes(self, step: int, logs: dict[str, Floats], ready: NDArray[np.bool_]) -> Iterator[Finding]:
        for rule, log in logs.items():
            for group, (first, last) in self._groups().items():
                where, word = slice(first, last), _WORDS.get((group, rule))
                if word is None or merged(log[where], ready[where]) < self._threshold:
                    continue
                alarmed = np.zeros(len(log), dtype=bool)
                alarmed[where] = True
                culprit = first + int(np.argmax(np.where(ready[where], log[where], -np.inf)))
                self._detectors.reset(rule, alarmed)
                rise = Rise(word, rule, group, culprit, step)
                if rule == "up":
                    self._lasting.wait(rise, float(self._tracker.centre()[culprit]))
                if rule == "turns":
                    self._overshoot.begin(self._alarm(rise, "VIOLATES"))
                elif self._new(word, step, again=True):
                    yield self._alarm(rise, "NOTE" if rule == "up" else "VIOLATES")

    def _jumped(self, step: int, loss: float) -> Iterator[Finding]:
        worse = self._learnt.step(loss)
        if worse >= _WORSE and self._new("loss.grows VIOLATES"):
            says = f"{worse} of the 32 losses up to step {step} are more than twice the largest of the first 32"
            yield finding("loss.grows", "VIOLATES", f"{says}, after it had fallen to half", "loss", samples=step)
        level = self._raised.step(loss)
        if level is None:
            return
        rise = Rise("loss.grows", "count", "loss", 0, step)
        self._lasting.wait(rise, level)
        if self._new(rise.word, step, again=True):
            yield self._alarm(rise, "NOTE")

    def _groups(self) -> dict[str, tuple[int, int]]:
        n = len(self.names)
        return {"loss": (0, 1), "gradient": (1, 3 + n) if not n else (3, 3 + n), "update": (3 + n, 3 + 2 * n)}

    def _alarm(self, rise: Rise, outcome: str, lasts: str = "") -> Finding:
        names = ["loss", "all gradients", "all updates", *self.names, *self.names]
        name, rule = names[rise.signal], COUNT if rise.rule == "count" else RULES[rise.rule]
        says = f"{name}: {rise.group} {rule.says} by step {rise.step}{lasts}; {rule.assumes}; {RATE}"
        return finding(rise.word, outcome, says, name, samples=rise.step, alpha=self.alpha / 2)

    def _falls(self) -> bool:
        """Whether the loss is lower than 192 steps ago: gradients that grow are then those of a model that learns."""
        before, now = np.split(np.array(self._losses), 4)[::3] if len(self._losses) == _SPAN else (np.zeros(1),) * 2
        error = math.sqrt((before.var() + now.var()) / max(1, len(now)))
        return bool(before.mean() - now.mean() > 2 * error)
