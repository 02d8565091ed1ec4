"""Reading a training step from torch: parameters, gradients and updates around the optimiser's step, without waiting.

Gradient norms are exact, what the weights moved is read from a sample of their entries. The numbers of a step are
gathered on the device and read a step later, when they are there.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from varlaw.diagnose.torch.habits import decay_of
from varlaw.diagnose.torch.part import NONE, Part
from varlaw.diagnose.torch.sampling import local
from varlaw.diagnose.watching.records import Step

Floats = NDArray[np.float64]
_Guarded = Callable[[Callable[[], None]], None]
_Args = tuple[Any, ...]
_Options = dict[str, Any]

_STRAYED = 0.1  # of the norm of a tensor
_KEPT = 3  # steps in a row that begin with the gradients of the one before


class Read(NamedTuple):
    """One step as it was: the record, the norms by tensor (NaN where there is none), whose gradient is not finite.

    `strayed` are the tensors of which a tenth or more was moved between the steps.
    """

    record: Step
    gradients: Floats
    updates: Floats
    broken: list[int]
    strayed: list[int]


class Recorder:
    """Hooks on one or more optimisers; `arrived` is called with each step, before the next one moves the weights."""

    def __init__(
        self,
        named: dict[str, torch.Tensor],
        optimizers: Sequence[torch.optim.Optimizer],
        arrived: Callable[[Read], None],
    ) -> None:
        self._arrived = arrived
        names = {id(p): name for name, p in named.items()}
        self._own = frozenset(named)
        self.parts = [Part(optimizer, names, i) for i, optimizer in enumerate(optimizers)]
        self._handles: list[Any] = []
        self._waiting: tuple[Step, list[list[torch.Tensor]], torch.Tensor] | None = None
        self.steps = 0
        self.turns = False  # whether an optimiser stepped on a pass of its own, after another one in the same step
        self.missed = False  # whether an optimiser stepped without a call of `step`
        self.passes = 1  # backward passes of the last step
        self.thrown = 0  # further ones, whose gradients were cleared before a step of the only optimiser
        self.pushed = np.zeros(len(self.names), dtype=bool)  # tensors that ever got a gradient that is not 0

    @property
    def names(self) -> list[str]:
        """Of every tensor that an optimiser holds."""
        return self.parts[0].names if len(self.parts) == 1 else [name for part in self.parts for name in part.names]

    @property
    def tensors(self) -> list[torch.Tensor]:
        """Every tensor that an optimiser holds."""
        return [t for part in self.parts for t in part.tensors]

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Those that are watched."""
        return [part.optimizer for part in self.parts]

    @property
    def frozen(self) -> list[str]:
        """Of the model's tensors that the optimisers hold, those that need no gradient now; master copies never do."""
        pairs = zip(self.names, self.tensors, strict=True)
        return [name for name, tensor in pairs if name in self._own and not tensor.requires_grad]

    def attach(self, guarded: _Guarded) -> None:
        """Puts the hooks on; each runs within `guarded`."""
        for part in self.parts:
            hooks = (partial(self._begins, part, guarded), lambda *_, p=part: guarded(p.post))
            before, after = map(torch.compiler.disable, hooks)  # a step that is compiled leaves them out of its graph
            pre = part.optimizer.register_step_pre_hook(before)
            post = part.optimizer.register_step_post_hook(after)
            self._handles += [pre, post]
            part.watch_backwards()

    def detach(self) -> None:
        """Takes the hooks off."""
        for handle in [*self._handles, *(h for part in self.parts for h in part.handles)]:
            handle.remove()
        self._handles.clear()

    def ask(self, products: bool) -> None:
        """Whether the products of gradients with the updates before them are wanted from the next step on."""
        for part in self.parts:
            part.asked = products

    def _begins(self, part: Part, guarded: _Guarded, _: Any, args: _Args, options: _Options) -> tuple[_Args, _Options]:
        """The hook before a step: what the step is given, its closure with a look at the gradients after it."""
        closure = options.get("closure", args[1] if len(args) > 1 else None)
        guarded(lambda: self._pre(part, closure=callable(closure)))
        if not callable(closure):
            return args, options

        def act() -> Any:
            loss = closure()
            guarded(part.arrived)
            return loss

        if "closure" in options:
            return args, {**options, "closure": act}
        return (args[0], act, *args[2:]), options

    def _pre(self, part: Part, *, closure: bool) -> None:
        self.flush()
        if part.pending:  # it steps again, and nobody told the loss of the step before
            self.step(None)
            self.missed = True
            self.flush()
        others = (o for o in self.parts if o is not part)
        self.turns = self.turns or any(o.pending and part.arrived_at > o.stepped_at for o in others)
        if part.changed():
            self.pushed = np.zeros(len(self.names), dtype=bool)
        part.pre(closure=closure)

    @property
    def stepped(self) -> bool:
        """Whether an optimiser has stepped since the last step was closed."""
        return any(part.pending for part in self.parts)

    @property
    def kept_gradients(self) -> bool:
        """Whether an optimiser steps with the gradients of earlier steps."""
        return any(part.kept >= _KEPT for part in self.parts)

    def step(self, loss: torch.Tensor | float | None) -> None:
        """Closes a step; its numbers are read when they have arrived."""
        self.flush()
        if not self.stepped and (loss is None or _finite(_number(loss)) is not None):
            return  # the optimiser did not step: a scaler that met an overflow
        self.steps += 1
        self.passes = max(1, *(part.backwards for part in self.parts))
        self.thrown = self.parts[0].thrown if len(self.parts) == 1 else 0
        record = Step(
            step=self.steps, rate=self._rate(), decay=self._decay(), backwards=self.passes,
            trained=sum(part.trained for part in self.parts), given=loss is not None,
        )  # fmt: skip
        numbers = [[n.to("cpu", non_blocking=True) for n in part.pending] for part in self.parts]
        value = loss.detach().reshape(()) if isinstance(loss, torch.Tensor) else torch.tensor(loss or 0.0)
        self._waiting = (record, numbers, value.to("cpu", non_blocking=True))
        for part in self.parts:
            part.pending, part.backwards, part.thrown = [], 0, 0

    def flush(self) -> None:
        """Reads the step that is still waiting."""
        if self._waiting is None:
            return
        record, numbers, loss = self._waiting
        self._waiting = None
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        tables = [p.table([n.numpy() for n in found]) for p, found in zip(self.parts, numbers, strict=True)]
        gradients, updates, weights, between, lost, along = np.concatenate(tables, axis=1)
        if record.given:
            record.loss = _finite(float(loss))
            record.nonfinite = record.loss is None
        broken = np.flatnonzero(~np.isfinite(gradients))
        gradients[gradients == NONE] = np.nan
        record.gradient = None if len(broken) else _finite(_joined(gradients))
        record.update, record.weight = _finite(_joined(updates)), _finite(_joined(weights))
        record.between = (_finite(_joined(between)) or None) if between.any() else None
        if (shares := np.isfinite(lost)).any():
            sizes = np.array([t.numel() for t in self.tensors], dtype=np.float64)
            record.lost = float(np.average(lost[shares], weights=sizes[shares]))
        if np.isfinite(along).any():
            record.along = float(np.nansum(along))
        with np.errstate(invalid="ignore"):
            self.pushed |= gradients > 0
            strayed = np.flatnonzero(between >= _STRAYED * weights) if record.between else np.zeros(0, dtype=int)
        seen, moved = (np.where(norms > 0, norms, np.nan) for norms in (gradients, updates))
        self._arrived(Read(record, seen, moved, broken.tolist(), strayed.tolist()))

    def _rate(self) -> float | None:
        rates = [float(g["lr"]) for p in self.parts for g in p.optimizer.param_groups if "lr" in g]
        return max(rates, default=None)

    def _decay(self) -> float:
        groups = [g for p in self.parts for g in p.optimizer.param_groups if "lr" in g]
        return max((float(g["lr"]) * decay_of(g) for g in groups), default=0.0)

    def spoilt(self, named: Mapping[str, torch.Tensor]) -> list[str]:
        """Those parameters that were not finite before the last step, as far as that is known."""
        before, held = self.before(), {id(t) for t in self.tensors}
        known = {name: before.get(id(p), p) for name, p in named.items() if id(p) in before or id(p) not in held}
        return [name for name, p in known.items() if not p.is_meta and not bool(torch.isfinite(local(p)).all())]

    def before(self) -> dict[int, torch.Tensor]:
        """By id, the tensors as they were before the last step, where that is known."""
        return {i: t for part in self.parts for i, t in part.before.items()}


def _number(loss: torch.Tensor | float) -> float:
    return float(loss.detach()) if isinstance(loss, torch.Tensor) else float(loss)


def _joined(norms: Floats) -> float:
    known = norms[~np.isnan(norms)]
    return float(np.sqrt((known**2).sum())) if known.size else float("nan")


def _finite(x: float) -> float | None:
    return x if np.isfinite(x) else None


def process() -> tuple[int, int]:
    """The number of this process and how many there are."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
