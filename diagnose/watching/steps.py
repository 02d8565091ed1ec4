"""What the steps of a run show: the judge's words on each, and what is looked at now and then."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from varlaw.diagnose.records import Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.activations import Activations, due
from varlaw.diagnose.watching.judge import ALPHA, Judge
from varlaw.diagnose.watching.locating import Traces, located
from varlaw.diagnose.watching.outside import Outside
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.saying import Voice
from varlaw.diagnose.watching.unmoved import Seen, frozen, replaced, unmoved
from varlaw.diagnose.watching.usage import Mode, Repeats, Sizes

if TYPE_CHECKING:
    import torch

_LOOKS = (20, 200, 2000)  # steps after which it is asked what never moved
_BACKWARD_EVERY = 5  # sampled passes of which one goes backwards, too
_SCALED = 0.01  # relative
_GAMES = frozenset(["loss.grows", "loss.oscillates", "loss.stuck"])
_THROWN = 16  # steps in a row that clear gradients which no step used


class Steps:
    """The steps of one run, and where they are read from; what is found goes to `voice`."""

    def __init__(self, model: "torch.nn.Module", optimizers: Sequence[Any], every: int, voice: Voice) -> None:
        from varlaw.diagnose.torch.cotangents import Cotangent
        from varlaw.diagnose.torch.recording import Recorder
        from varlaw.diagnose.torch.replaying import LastCall, unwrapped

        self.model, self.inner, self._every, self._voice = model, unwrapped(model), every, voice
        self.recorder = Recorder(dict(self.inner.named_parameters()), optimizers, self._judged)
        self.last = LastCall(model)  # the pass of this step
        self.judge = Judge(self.recorder.names)
        self.read: Step | None = None  # the last step that was judged
        self.unlike = False  # whether something was said of the losses
        self.sampled: Sight | None = None  # the last pass that was seen, and the one before
        self._usual: Sight | None = None
        self._samples = 0
        self._cotangent, self._activations, self._outside = Cotangent(), Activations(ALPHA / 16), Outside()
        self._mode, self._repeats, self._sizes = Mode(), Repeats(), Sizes()
        self._thrown = 0  # steps in a row that cleared gradients before they were used
        self._share: float | None = None  # of its mean loss that a pass sent when it was last seen
        self._gradients: Any = ()  # norms of the last step
        self._graph: Any = None  # of the last step's loss: the names of its operations outlive the backward pass
        self._trained = len(self.recorder.names)
        self._stillness: Any = None
        self._handles: list[Any] = []

    def attach(self, guarded: Any) -> None:
        """Begins to look; what runs in a hook runs within `guarded`."""
        from varlaw.diagnose.torch.stillness import Stillness

        guarded(lambda: setattr(self, "_stillness", Stillness(dict(self.inner.named_parameters()))))
        self.recorder.attach(guarded)
        self._handles = [self.last.attach(), self._cotangent.attach(self.model)]

    def detach(self) -> None:
        """Takes all hooks off."""
        self.recorder.detach()
        for handle in self._handles:
            handle.remove()

    def step(self, loss: Any) -> bool:
        """Closes a step of the optimisers; False where none was taken."""
        before = self.recorder.steps
        used = self.last.used()
        self.last.close()
        self.recorder.step(loss)
        self._graph = getattr(loss, "grad_fn", None)
        steps = self.recorder.steps
        if steps == before:
            return False
        if used:
            self._used(steps, *used)
        if due(steps, self._every):
            self._sample()
        if steps in _LOOKS:
            self.still(at_end=False)
        self._scale()
        self._cleared()
        self._cotangent.wanted = due(steps + 1, self._every)
        return True

    def _judged(self, read: Any) -> None:
        record: Step = read.record
        self.read, self._gradients = record, read.gradients
        self._voice.journal.write(record)
        if self.recorder.missed:
            self.unlike = True
            self._voice.tell("an optimiser stepped without step(loss): the loss of such steps is not watched")
        names = self.recorder.names
        if names != self.judge.names:
            self._voice.tell("the optimisers hold other tensors than before: their signals are learnt anew")
            self.judge = Judge(names)
        self._not_finite(record, [names[i] for i in read.broken])
        for one in self.judge.step(record, read.gradients, read.updates):
            self._voice.say(record.step, self._of_one_game(one))
        self.recorder.ask(self.judge.asks)
        for one in self._outside.step(record, [names[i] for i in read.strayed]):
            self._voice.once(record.step, one)
        if record.trained < self._trained and (still := self.recorder.frozen):
            self._voice.once(record.step, frozen(still, len(names), record.step))
        self._trained = record.trained
        if self.recorder.kept_gradients:
            says = f"the gradients of step {record.step - 1} are still there when the next backward pass adds its own"
            self._voice.once(record.step, finding("gradient.kept", "VIOLATES", says, "all gradients"))

    def _of_one_game(self, one: Finding) -> Finding:
        """A finding of a loss, a note where two optimisers take turns: as one wins, the loss of the other rises."""
        if not self.recorder.turns or one.outcome != "VIOLATES" or one.signal not in _GAMES:
            return one
        says = f"{one.says}; optimisers take turns, so that this loss may do so in health"
        return msgspec.structs.replace(one, outcome="NOTE", says=says)

    def _not_finite(self, record: Step, broken: list[str]) -> None:
        """The loss, or the gradients of a step that was taken: which operation made it, by running the step again."""
        from varlaw.diagnose.torch.behind import singular

        if not (record.nonfinite or broken) or any(f.signal == "loss.nan" for f in self._voice.findings):
            return
        what = "the loss" if record.nonfinite else f"the gradient of {len(broken)} tensors"
        seen = self.last.replayed(self.recorder.before(), backward=not record.nonfinite)
        spoilt = self.recorder.spoilt(dict(self.inner.named_parameters()))
        traces = Traces([] if record.nonfinite else broken, spoilt, singular(self._graph))
        self._voice.say(record.step, located(f"{what} is not finite at step {record.step}", traces, seen, self._usual))

    def _sample(self) -> None:
        """The pass of this step's inputs, seen: activations and units, and now and then gradients by depth."""
        self._samples += 1
        seen = self.last.replayed({}, backward=self._samples % _BACKWARD_EVERY == 1, lean=True)
        if seen is None:
            return
        self._usual, self.sampled = self.sampled, seen.sight
        sizes = [c.output.rms for c in seen.sight.calls if c.kind == "input" and c.output is not None]
        for one in self._sizes.step(self.recorder.steps, sizes):
            self._voice.once(self.recorder.steps, one)
        silent = {number: mask.cpu().numpy() for number, mask in seen.silent.items()}
        steps = self.recorder.steps
        for one in self._activations.step(seen.sight, silent):
            self._voice.once(steps, msgspec.structs.replace(one, says=f"{one.says}; seen at step {steps}"))

    def _scale(self) -> None:
        """Passes that are summed without their mean."""
        share, self._cotangent.share = self._cotangent.share, None
        self._share = share or self._share
        passes = self.recorder.passes
        if share is None or passes < 2 or abs(share - 1) > _SCALED:
            return
        outcome = "VIOLATES" if passes > 2 else "NOTE"  # two may be two losses
        steps = self.recorder.steps
        whole = f"each of {passes} passes of step {steps} sends the whole of its mean loss"
        says = f"{whole}: the step is {passes} times that of the mean"
        self._voice.once(steps, finding("gradient.scaled", outcome, says, "loss", observed=share))

    def _cleared(self) -> None:
        """Passes whose gradients are cleared before the optimiser sees them."""
        self._thrown = self._thrown + 1 if self.recorder.thrown else 0
        if self._thrown != _THROWN:
            return
        steps, thrown = self.recorder.steps, self.recorder.thrown
        passes = thrown + self.recorder.passes
        mean = self._share is not None and abs(self._share * passes - 1) <= _SCALED  # the loss is divided for a sum
        outcome = "VIOLATES" if passes > 2 or mean else "NOTE"  # the first of two may be of something else
        says = f"each of the last {_THROWN} steps up to step {steps} makes {passes} backward passes, and the gradients"
        says += f" of {thrown} of them are cleared before the optimiser steps"
        self._voice.once(steps, finding("gradient.cleared", outcome, says, "all gradients", samples=steps))

    def _used(self, steps: int, training: bool, mark: Any) -> None:
        """The mode and the batch of a step."""
        from varlaw.diagnose.torch.modes import changed

        found = [*self._mode.step(steps, training, lambda: list(changed(self.inner)))]
        for one in [*found, *(self._repeats.step(steps, *mark) if mark else ())]:
            self._voice.once(steps, one)

    def still(self, *, at_end: bool) -> None:
        """What never moved, and why, and how the run is set up: exact facts after a number of steps."""
        from varlaw.diagnose.torch.habits import decayed, habits

        steps, optimizers = self.recorder.steps, self.recorder.optimizers
        if self._stillness is None or steps < _LOOKS[0]:
            return
        held = dict(zip(self.recorder.names, self.recorder.pushed.tolist(), strict=True))
        rate = self.read.rate if self.read else None
        gradients = dict(zip(self.recorder.names, map(float, self._gradients), strict=False))
        seen = Seen(steps, dict(self.inner.named_parameters()), held, gradients, rate)
        found = [*habits(self.model, optimizers, steps, self.judge.path)]
        found += decayed(self.inner, optimizers, self._stillness.kept, self.judge.rates)
        if names := self._stillness.replaced(seen.named, set(map(id, self.recorder.tensors))):
            found.append(replaced(names, steps))
        late, count = at_end or steps > _LOOKS[0], len(self._stillness.names)
        for one in [*found, *unmoved(self._stillness.still(), count, seen, late=late)]:
            self._voice.once(steps, one)
