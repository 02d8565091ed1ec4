"""`Watch`: a training run between `with` and its end, a call of `step(loss)` after each optimiser step.

A watch never stops the training: what it cannot read it says once and goes on.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from varlaw.diagnose import activity, wiring
from varlaw.diagnose.records import Finding, ModelRecord, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.table import rows
from varlaw.diagnose.watching.journal import Journal
from varlaw.diagnose.watching.judge import ALPHA, Judge
from varlaw.diagnose.watching.records import End, Event, Header

if TYPE_CHECKING:
    import torch

_ENOUGH = 20  # steps after which a parameter that never moved is named


class Watch:
    """Made by `varlaw.watch`; `findings` grows while the run goes on."""

    def __init__(
        self, model: "torch.nn.Module", optimizers: Sequence[Any], *, every: int, out: Path | None, name: str, salt: str
    ) -> None:
        from varlaw.diagnose.torch.recording import Recorder
        from varlaw.diagnose.torch.replaying import LastCall

        self.model, self.every, self.name, self.salt = model, every, name, salt
        self.findings: list[Finding] = []
        self._out, self._journal, self._entered = out, Journal(None), False
        self._recorder, self._last = Recorder(model, optimizers, self._judged), LastCall(model)
        self._judge = Judge(self._recorder.names)
        self._handle: Any = None
        self._sampled: Sight | None = None
        self._broken = ""
        self._start: dict[str, Any] = {}

    def __enter__(self) -> Self:
        if self._entered:
            msg = "this watch was entered before; make a new one for each run [watch]"
            raise RuntimeError(msg)
        self._entered = True
        self._journal = Journal(self._out)
        self._start = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self._journal.write(self._header())
        self._recorder.attach()
        self._handle = self._last.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._guarded(self._recorder.flush)
        self._guarded(self._at_end)
        self._recorder.detach()
        if self._handle is not None:
            self._handle.remove()
        self._journal.write(End(steps=self._recorder.steps))
        self._journal.close()

    def step(self, loss: Any) -> None:
        """Call it once after each optimiser step, with the loss that was minimised."""
        if not self._entered:
            msg = "step() is called outside of the watch: `with varlaw.watch(model, optimizer) as watch:` [watch]"
            raise RuntimeError(msg)
        if getattr(loss, "numel", lambda: 1)() != 1:
            msg = f"loss has shape {tuple(loss.shape)}, but should be a scalar [watch]"
            raise ValueError(msg)
        self._last.close()
        self._guarded(lambda: self._recorder.step(loss))
        if self._recorder.steps % self.every == 1 and not self._broken:
            self._guarded(self._sample)

    # -- what a step shows -----------------------------------------------------------------------------------------

    def _guarded(self, act: Any) -> None:
        """A fault of the monitor is said once and ends the monitor, not the training."""
        if self._broken:
            return
        try:
            act()
        except Exception as error:  # whatever goes wrong here is ours
            self._broken = f"{type(error).__name__}: {error}"
            print(f"varlaw: the watch ends here: {self._broken}", file=sys.stderr)

    def _judged(self, read: Any) -> None:
        self._guarded(lambda: self._judge_step(read))

    def _judge_step(self, read: Any) -> None:
        self._journal.write(read.record)
        for one in self._judge.step(*read):
            self._say(read.record.step, self._located(one) if one.signal == "loss.nan" else one)
        if self._recorder.kept_gradients:
            says = f"gradients of step {read.record.step - 1} are still there when the next backward pass begins"
            self._once(read.record.step, finding("gradient.kept", "VIOLATES", says, "all gradients"))

    def _say(self, step: int, one: Finding) -> None:
        self.findings.append(one)
        self._journal.write(Event(step=step, finding=one))

    def _once(self, step: int, one: Finding) -> None:
        if not any(known.signal == one.signal for known in self.findings):
            self._say(step, one)

    def _located(self, one: Finding) -> Finding:
        """The operation that made the first number that is not finite, by running the step again."""
        import msgspec

        sight = self._last.replayed(self._recorder.before())
        batch = [c for c in sight.calls if c.kind == "input" and c.output and c.output.nonfinite] if sight else []
        if batch:
            return msgspec.structs.replace(one, where=("batch",), says=f"{one.says}: so is the batch")
        made = wiring.ranges(sight, Graph(sight.calls)) if sight else []
        if not made:
            return one
        return msgspec.structs.replace(one, where=made[0].where, says=f"{one.says}: {made[0].says}")

    def _sample(self) -> None:
        """The forward pass of this step's inputs, seen: activations and units."""
        sight = self._last.replayed(dict(self.model.named_parameters()))
        if sight is None:
            return
        self._sampled = sight
        for one in activity.units([sight], ALPHA / 16):
            self._once(self._recorder.steps, one)

    def _at_end(self) -> None:
        if self._recorder.steps < _ENOUGH:
            return
        still = [n for n, moved in zip(self._recorder.names, self._recorder.moved.tolist(), strict=True) if not moved]
        if still:
            says = f"did not move in {self._recorder.steps} steps"
            self._once(self._recorder.steps, finding("gradient.zero", "VIOLATES", says, *still))
        foreign = [n for n in self._recorder.names if n.startswith("optimiser[")]
        if foreign and len(foreign) == len(self._recorder.names) and not self._copied_back():
            says = "the optimiser moves tensors that the model does not have, and nothing copies them back"
            self._once(self._recorder.steps, finding("structure.doubled", "VIOLATES", says, "optimiser"))

    def _copied_back(self) -> bool:
        import torch

        now = {n: p.detach() for n, p in self.model.named_parameters()}
        return any(not torch.equal(now[n], b) for n, b in self._start.items() if n in now)

    # -- the record ------------------------------------------------------------------------------------------------

    def _header(self) -> Header:
        versions = {name: version(name) for name in ("varlaw", "torch", "numpy")}
        return Header(
            name=self.name, tensors=tuple(self._recorder.names), every=self.every, alpha=ALPHA, versions=versions
        )

    def record(self) -> ModelRecord:
        """The run as a record of the same kind as a checked model's."""
        sight = self._sampled or Sight(calls=[], tensors={}, blind=[])
        blind = [*sight.blind, *([self._broken] if self._broken else []), *filter(None, [self._journal.lost])]
        return ModelRecord(
            name=self.name, policy="watch", salt=self.salt, draws=self._recorder.steps, alpha=ALPHA, delta=0.0,
            versions={name: version(name) for name in ("varlaw", "torch", "numpy")},
            numbers=sum(p.numel() for p in self.model.parameters()), findings=list(self.findings),
            rows=rows([sight], Graph(sight.calls), self.findings), tensors=[], blind=blind,
        )  # fmt: skip


def optimizers_of(given: Any) -> list[Any]:
    """One optimiser or several, as a list; `ValueError` for none."""
    found = [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]
    if not found or not all(hasattr(o, "register_step_pre_hook") and hasattr(o, "param_groups") for o in found):
        msg = f"optimizer={given!r}, but should be a torch optimiser or a list of them [watch]"
        raise ValueError(msg)
    return found


def steps_of(every: Any) -> int:
    """A number of steps; `ValueError` for what is none."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        msg = f"every={every!r}, but should be a whole number >= 1 [watch]"
        raise ValueError(msg)
    return every
