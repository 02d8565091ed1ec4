"""`Watch`: a training run between `with` and its end, a call of `step(loss)` after each optimiser step.

A watch never stops the training: what it cannot read, and what it is wrongly told, it says once and goes on.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from varlaw.diagnose.records import Finding, ModelRecord, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.symptoms import diagnoses
from varlaw.diagnose.table import rows
from varlaw.diagnose.watching.activations import Activations, due
from varlaw.diagnose.watching.arguments import scalar
from varlaw.diagnose.watching.journal import Journal, rank_file
from varlaw.diagnose.watching.judge import ALPHA, Judge
from varlaw.diagnose.watching.locating import Traces, located
from varlaw.diagnose.watching.records import End, Event, Header, Step
from varlaw.diagnose.watching.unmoved import Seen, frozen, unmoved

if TYPE_CHECKING:
    import torch

_LOOKS = (20, 200, 2000)  # steps after which it is asked what never moved
_BACKWARD_EVERY = 5  # sampled passes of which one goes backwards, too
_SCALED = 0.01  # relative


class Watch:
    """Made by `varlaw.watch`; `findings` grows while the run goes on."""

    def __init__(
        self,
        model: "torch.nn.Module",
        optimizers: Sequence[Any],
        *,
        every: int,
        out: Path | None,
        log: Callable[[dict[str, float]], Any] | None,
        name: str,
        salt: str,
    ) -> None:
        from varlaw.diagnose.torch.cotangents import Cotangent
        from varlaw.diagnose.torch.recording import Recorder
        from varlaw.diagnose.torch.replaying import LastCall, unwrapped

        self.model, self.every, self.name, self.salt = model, every, name, salt
        self.findings: list[Finding] = []
        self._inner = unwrapped(model)
        self._out, self._journal, self._log = out, Journal(None), log
        self._entered = self._active = self._unlike = False
        self._again = 0  # entries beyond the first that are not left yet
        self._recorder = Recorder(dict(self._inner.named_parameters()), optimizers, self._judge_step)
        self._last, self._cotangent = LastCall(model), Cotangent()
        self._judge, self._activations = Judge(self._recorder.names), Activations(ALPHA / 16)
        self._handles: list[Any] = []
        self._samples = 0
        self._read: Step | None = None  # the last step that was judged, and its gradient norms
        self._gradients: Any = ()
        self._sampled: Sight | None = None  # the last pass that was seen, and the one before
        self._usual: Sight | None = None
        self._graph: Any = None  # of the last step's loss: the names of its operations outlive the backward pass
        self._trained = len(self._recorder.names)
        self._broken = ""
        self._told: set[str] = set()
        self._stillness: Any = None

    def __enter__(self) -> Self:
        from varlaw.diagnose.torch.stillness import Stillness

        if self._entered:
            self._again += 1
            self._tell("this watch was entered before, and does not watch again; make a new one for each run")
            return self
        self._entered = self._active = True
        self._guarded(lambda: setattr(self, "_stillness", Stillness(dict(self._inner.named_parameters()))))
        header = self._header()
        self._journal = Journal(self._out and rank_file(self._out, header.rank))
        self._journal.write(header)
        self._recorder.attach(self._guarded)
        self._handles = [self._last.attach(), self._cotangent.attach(self.model)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._again:
            self._again -= 1
            return
        if not self._active:
            return
        if self._recorder.stepped:
            self._guarded(lambda: self._recorder.step(None))
        self._guarded(self._recorder.flush)
        if not self._unlike and self._read and not self._read.given:
            self._tell("no loss was given: call step(loss) after each optimiser step")
        self._guarded(lambda: self._still(at_end=True))
        self._active = False
        self._recorder.detach()
        for handle in self._handles:
            handle.remove()
        self._journal.write(End(steps=self._recorder.steps))
        self._journal.close()

    def step(self, loss: Any = None) -> None:
        """Call it once after each optimiser step, with the loss that was minimised."""
        if not self._active:
            self._tell("step() is called outside of the watch: `with varlaw.watch(model, optimizer) as watch:`")
            return
        value, unlike = scalar(loss)
        if unlike:
            self._unlike = True
            self._tell(f"the loss {unlike}, but should be a real scalar: it is left out")
        self._guarded(lambda: self._step(value))

    def _step(self, loss: Any) -> None:
        before = self._recorder.steps
        self._last.close()
        self._recorder.step(loss)
        self._graph = getattr(loss, "grad_fn", None)
        steps = self._recorder.steps
        if steps == before:
            return
        if due(steps, self.every):
            self._sample()
        if steps in _LOOKS:
            self._still(at_end=False)
        self._scale()
        if self._log is not None and steps % self.every == 0:
            self._recorder.flush()
            self._logged(self._log)
        self._cotangent.wanted = due(steps + 1, self.every)

    def _logged(self, log: Callable[[dict[str, float]], Any]) -> None:
        try:
            log(self.scalars())
        except Exception as error:  # the user's own function: the watch goes on without it
            self._log = None
            self._tell(f"log={log!r} is not called any more: {type(error).__name__}: {error}")

    def scalars(self) -> dict[str, float]:
        """The numbers of the last step that was read, and how much is wrong: for the `log(dict)` of a logger."""
        wrong = sum(f.outcome == "VIOLATES" for f in self.findings)
        step = self._read
        found = {n: getattr(step, n) for n in ("loss", "gradient", "update", "weight", "rate", "lost")} if step else {}
        return {f"varlaw/{n}": float(x) for n, x in found.items() if x is not None} | {"varlaw/violations": wrong}

    # -- saying, and going on --------------------------------------------------------------------------------------

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            print(f"varlaw: {text} [watch]", file=sys.stderr)

    def _guarded(self, act: Callable[[], None]) -> None:
        """A fault of the monitor is said once and ends the monitor, not the training."""
        if self._broken:
            return
        try:
            act()
        except Exception as error:  # whatever goes wrong here is ours
            self._broken = f"the watch ends at step {self._recorder.steps}: {type(error).__name__}: {error}"
            self._tell(self._broken)

    def _say(self, step: int, one: Finding) -> None:
        self.findings.append(one)
        self._journal.write(Event(step=step, finding=one))

    def _once(self, step: int, one: Finding) -> None:
        """Says it unless the same word was said of the same place."""
        if not any(known.signal == one.signal and known.where[:1] == one.where[:1] for known in self.findings):
            self._say(step, one)

    # -- what a step shows -----------------------------------------------------------------------------------------

    def _judge_step(self, read: Any) -> None:
        record: Step = read.record
        self._read = record
        self._gradients = read.gradients
        self._journal.write(record)
        if self._recorder.missed:
            self._unlike = True
            self._tell("an optimiser stepped without step(loss): the loss of such steps is not watched")
        if self._recorder.names != self._judge.names:
            self._tell("the optimisers hold other tensors than before: their signals are learnt anew")
            self._judge = Judge(self._recorder.names)
        self._not_finite(record, [self._recorder.names[i] for i in read.broken])
        for one in self._judge.step(record, read.gradients, read.updates):
            self._say(record.step, one)
        if record.trained < self._trained and (names := self._recorder.frozen):
            self._once(record.step, frozen(names, len(self._recorder.names), record.step))
        self._trained = record.trained
        if self._recorder.kept_gradients:
            says = f"the gradients of step {record.step - 1} are still there when the next backward pass adds its own"
            self._once(record.step, finding("gradient.kept", "VIOLATES", says, "all gradients"))

    def _not_finite(self, record: Step, broken: list[str]) -> None:
        """The loss, or the gradients of a step that was taken: which operation made it, by running the step again."""
        from varlaw.diagnose.torch.behind import singular

        if not (record.nonfinite or broken) or any(f.signal == "loss.nan" for f in self.findings):
            return
        what = "the loss" if record.nonfinite else f"the gradient of {len(broken)} tensors"
        seen = self._last.replayed(self._recorder.before(), backward=not record.nonfinite)
        spoilt = self._recorder.spoilt(dict(self._inner.named_parameters()))
        traces = Traces([] if record.nonfinite else broken, spoilt, singular(self._graph))
        self._say(record.step, located(f"{what} is not finite at step {record.step}", traces, seen, self._usual))

    def _sample(self) -> None:
        """The pass of this step's inputs, seen: activations and units, and now and then gradients by depth."""
        self._samples += 1
        seen = self._last.replayed({}, backward=self._samples % _BACKWARD_EVERY == 1, lean=True)
        if seen is None:
            return
        self._usual, self._sampled = self._sampled, seen.sight
        silent = {number: mask.cpu().numpy() for number, mask in seen.silent.items()}
        for one in self._activations.step(seen.sight, silent):
            self._once(self._recorder.steps, one)

    def _scale(self) -> None:
        """Passes that are summed without their mean."""
        share, self._cotangent.share = self._cotangent.share, None
        passes = self._recorder.passes
        if share is None or passes < 2 or abs(share - 1) > _SCALED:
            return
        outcome = "VIOLATES" if passes > 2 else "NOTE"  # two may be two losses
        says = f"each of {passes} passes sends the whole of its mean loss: the step is {passes} times that of the mean"
        self._once(self._recorder.steps, finding("gradient.scaled", outcome, says, "loss", observed=share))

    def _still(self, *, at_end: bool) -> None:
        """What never moved, and why, and how the run is set up: exact facts after a number of steps."""
        from varlaw.diagnose.torch.habits import habits

        steps = self._recorder.steps
        if self._stillness is None or steps < _LOOKS[0]:
            return
        held = dict(zip(self._recorder.names, self._recorder.pushed.tolist(), strict=True))
        rate = self._read.rate if self._read else None
        gradients = dict(zip(self._recorder.names, map(float, self._gradients), strict=False))
        seen = Seen(steps, dict(self._inner.named_parameters()), held, gradients, rate)
        all_still = len(self._stillness.names)
        for one in habits(self.model, self._recorder.optimizers, steps, self._judge.path):
            self._once(steps, one)
        for one in unmoved(self._stillness.still(), all_still, seen, late=at_end or steps > _LOOKS[0]):
            self._once(steps, one)

    # -- the record ------------------------------------------------------------------------------------------------

    def _header(self) -> Header:
        from varlaw.diagnose.torch.recording import process

        rank, ranks = process()
        return Header(
            name=self.name, tensors=tuple(self._recorder.names), every=self.every, alpha=ALPHA, rank=rank, ranks=ranks,
            versions=_versions(), sharded=self._last.sharded,
        )  # fmt: skip

    def record(self) -> ModelRecord:
        """The run as a record of the same kind as a checked model's."""
        sight = self._sampled or Sight(calls=[], tensors={}, blind=[])
        unseen = "activations: the model is shared out over processes" if self._last.sharded else ""
        if self._recorder.steps and not self._last.called:
            unseen = "activations: the model is never called itself, only parts of it"
        blind = [*sight.blind, *filter(None, [unseen, self._broken, self._journal.lost])]
        return ModelRecord(
            name=self.name, policy="watch", salt=self.salt, draws=self._recorder.steps, alpha=ALPHA, delta=0.0,
            versions=_versions(), numbers=sum(p.numel() for p in self._inner.parameters()),
            findings=list(self.findings), rows=rows([sight], self.findings), tensors=[],
            blind=blind, diagnoses=diagnoses(self.findings),
        )  # fmt: skip


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("varlaw", "torch", "numpy")}
