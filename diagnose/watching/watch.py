"""`Watch`: a training run between `with` and its end, a call of `step(loss)` after each optimiser step.

A watch never stops the training: what it cannot read, and what it is wrongly told, it says once and goes on.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from varlaw.diagnose.records import Finding, ModelRecord, Sight
from varlaw.diagnose.symptoms import diagnoses
from varlaw.diagnose.table import rows
from varlaw.diagnose.watching.arguments import scalar
from varlaw.diagnose.watching.journal import Journal, rank_file
from varlaw.diagnose.watching.judge import ALPHA
from varlaw.diagnose.watching.records import End, Header
from varlaw.diagnose.watching.saying import Voice
from varlaw.diagnose.watching.steps import Steps

if TYPE_CHECKING:
    import torch


_LOGGED = ("step", "loss", "gradient", "update", "weight", "rate", "lost")


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
        self.model, self.every, self.name, self.salt = model, every, name, salt
        self._out, self._log = out, log
        self._voice = Voice()
        self._steps = Steps(model, optimizers, every, self._voice)
        self._recorder = self._steps.recorder
        self._entered = self._active = self._unlike = False
        self._again = 0  # entries beyond the first that are not left yet

    @property
    def findings(self) -> list[Finding]:
        """What was said so far."""
        return self._voice.findings

    def __enter__(self) -> Self:
        if self._entered:
            self._again += 1
            self._voice.tell("this watch was entered before, and does not watch again; make a new one for each run")
            return self
        self._entered = self._active = True
        header = self._header()
        self._voice.journal = Journal(self._out and rank_file(self._out, header.rank))
        self._voice.journal.write(header)
        self._steps.attach(self._guarded)
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
        read = self._steps.read
        if not (self._unlike or self._steps.unlike) and read and not read.given:
            self._voice.tell("no loss was given: call step(loss) after each optimiser step")
        self._guarded(lambda: self._steps.still(at_end=True))
        self._active = False
        self._steps.detach()
        self._voice.journal.write(End(steps=self._recorder.steps))
        self._voice.journal.close()

    def step(self, loss: Any = None) -> None:
        """Call it once after each optimiser step, with the loss that was minimised."""
        if not self._active:
            self._voice.tell("step() is called outside of the watch: `with varlaw.watch(model, optimizer) as watch:`")
            return
        value, unlike = scalar(loss)
        if unlike:
            self._unlike = True
            self._voice.tell(f"the loss {unlike}, but should be a real scalar: it is left out")
        self._guarded(lambda: self._step(value))

    def _step(self, loss: Any) -> None:
        taken = self._steps.step(loss)
        if taken and self._log is not None and self._recorder.steps % self.every == 0:
            self._recorder.flush()
            self._logged(self._log)

    def _logged(self, log: Callable[[dict[str, float]], Any]) -> None:
        try:
            log(self.scalars())
        except Exception as error:  # the user's own function: the watch goes on without it
            self._log = None
            self._voice.tell(f"log={log!r} is not called any more: {type(error).__name__}: {error}")

    def scalars(self) -> dict[str, float]:
        """The last step that was read, its numbers, and how much is wrong: for the `log(dict)` of a logger."""
        wrong = sum(f.outcome == "VIOLATES" for f in self.findings)
        step = self._steps.read
        found = {n: getattr(step, n) for n in _LOGGED} if step else {}
        return {f"varlaw/{n}": float(x) for n, x in found.items() if x is not None} | {"varlaw/violations": wrong}

    def _guarded(self, act: Callable[[], None]) -> None:
        self._voice.guarded(act, lambda: self._recorder.steps)

    # -- the record ------------------------------------------------------------------------------------------------

    def _header(self) -> Header:
        from varlaw.diagnose.torch.recording import process

        rank, ranks = process()
        return Header(
            name=self.name, tensors=tuple(self._recorder.names), every=self.every, alpha=ALPHA, rank=rank, ranks=ranks,
            versions=_versions(), sharded=self._steps.last.sharded,
        )  # fmt: skip

    def record(self) -> ModelRecord:
        """The run as a record of the same kind as a checked model's."""
        last, steps = self._steps.last, self._recorder.steps
        sight = self._steps.sampled or Sight(calls=[], tensors={}, blind=[])
        unseen = "activations: the model is shared out over processes" if last.sharded else ""
        if steps and not last.called:
            unseen = "activations: the model is never called itself, only parts of it"
        blind = [*sight.blind, *filter(None, [unseen, self._voice.broken, self._voice.journal.lost])]
        return ModelRecord(
            name=self.name, policy="watch", salt=self.salt, draws=steps, alpha=ALPHA, delta=0.0,
            versions=_versions(), numbers=sum(p.numel() for p in self._steps.inner.parameters()),
            findings=list(self.findings), rows=rows([sight], self.findings), tensors=[],
            blind=blind, diagnoses=diagnoses(self.findings),
        )  # fmt: skip


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("varlaw", "torch", "numpy")}
