"""Reading a training step from torch: parameters, gradients and updates around the optimiser's step, without waiting.

Numbers of a step are gathered in one tensor on the model's device and read a step later, when they are there. A copy of
the parameters is kept from before each step: what moved is then exact, and a step that ended in NaN can be run again.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from varlaw.diagnose.watching.records import Step

Floats = NDArray[np.float64]


class Read(NamedTuple):
    """One step as it was: the record and the norms by tensor, NaN where there is none."""

    record: Step
    gradients: Floats
    updates: Floats


class Recorder:
    """Hooks on one or more optimisers; `arrived` is called with each step, before the next one moves the weights."""

    def __init__(
        self, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer], arrived: Callable[[Read], None]
    ) -> None:
        self._arrived = arrived
        self.names, self._tensors = _watched(model, optimizers)
        self._optimizers = list(optimizers)
        self._before: list[torch.Tensor] = []
        self._grads: list[torch.Tensor] = []
        self._handles: list[Any] = []
        self._pending: torch.Tensor | None = None
        self._waiting: tuple[Step, torch.Tensor] | None = None
        self._loss: torch.Tensor | float | None = None
        self.steps = 0
        self.moved = torch.zeros(len(self._tensors), dtype=torch.bool)
        self.backwards = 0
        self.kept_gradients = False
        self._fresh = False

    def attach(self) -> None:
        """Puts the hooks on."""
        for optimizer in self._optimizers:
            self._handles.append(optimizer.register_step_pre_hook(lambda *_: self._pre()))
            self._handles.append(optimizer.register_step_post_hook(lambda *_: self._post()))
        first = next((t for t in self._tensors if t.requires_grad and t.is_leaf), None)
        if first is not None:
            self._handles.append(first.register_hook(self._arriving(first)))  # type: ignore[no-untyped-call]

    def detach(self) -> None:
        """Takes the hooks off."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _arriving(self, tensor: torch.Tensor) -> Callable[[torch.Tensor], None]:
        """Counts backward passes; right after a step, an old gradient that is still there was never cleared."""

        def hook(gradient: torch.Tensor) -> None:
            self.backwards += 1
            if self._fresh and tensor.grad is not None and self.steps:
                self.kept_gradients = bool((tensor.grad != 0).any()) or self.kept_gradients
            self._fresh = False

        return hook

    @torch.no_grad()
    def _pre(self) -> None:
        self.flush()
        live = [t for t in self._tensors if t.grad is not None and not t.grad.is_sparse]
        self._grads = [t.grad for t in live if t.grad is not None]
        norms = torch._foreach_norm(self._grads) if self._grads else []
        self._norms = dict(zip(map(id, live), norms, strict=True))
        if len(self._before) != len(self._tensors):
            self._before = [t.detach().clone() for t in self._tensors]
        else:
            torch._foreach_copy_(self._before, [t.detach() for t in self._tensors])

    @torch.no_grad()
    def _post(self) -> None:
        if not self._before:
            return
        after = [t.detach() for t in self._tensors]
        moves = torch._foreach_norm(torch._foreach_sub(after, self._before))
        weights = torch._foreach_norm(after)
        device = after[0].device
        missing = torch.full((), float("nan"), device=device)
        gradients = [self._norms.get(id(t), missing).double().to(device) for t in self._tensors]
        lost = [self._lost(t, b) for t, b in zip(self._tensors, self._before, strict=True)]
        columns = [gradients, [m.double() for m in moves], [w.double() for w in weights], lost]
        self._pending = torch.stack([torch.stack([c.to(device) for c in column]) for column in columns])
        self._fresh = True

    def _lost(self, tensor: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Share of a sample of the entries with a gradient that did not move; NaN without any."""
        if tensor.grad is None or tensor.grad.is_sparse:
            return torch.full((), float("nan"), dtype=torch.float64)
        step = max(1, tensor.numel() // 1024)
        pushed = tensor.grad.reshape(-1)[::step] != 0
        still = tensor.detach().reshape(-1)[::step] == before.reshape(-1)[::step]
        return (pushed & still).sum().double() / pushed.sum().double()

    def step(self, loss: Any) -> None:
        """Closes a step; its numbers are read when they have arrived."""
        self.flush()
        if self._pending is None:  # the optimiser did not step: a scaler that met an overflow
            return
        self.steps += 1
        record = Step(step=self.steps, rate=self._rate(), backwards=max(1, self.backwards))
        self.backwards = 0
        value = loss.detach().double().reshape(()).to(self._pending.device) if isinstance(loss, torch.Tensor) else None
        if value is None:
            value = torch.tensor(float(loss), dtype=torch.float64, device=self._pending.device)
        numbers = torch.cat([self._pending.reshape(-1), value.reshape(1)])
        self._waiting, self._pending = (record, numbers.to("cpu", non_blocking=True)), None

    def flush(self) -> None:
        """Reads the step that is still waiting."""
        if self._waiting is None:
            return
        record, numbers = self._waiting
        self._waiting = None
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        values = numbers.numpy()
        table = values[:-1].reshape(4, -1)
        gradients, updates, weights, lost = table
        self.moved |= torch.from_numpy(np.nan_to_num(updates) > 0)
        record.loss = _finite(float(values[-1]))
        record.gradient, record.update = _finite(_joined(gradients)), _finite(_joined(updates))
        record.weight = _finite(_joined(weights))
        known = lost[np.isfinite(lost)]
        record.lost = float(known.mean()) if known.size else None
        seen = [np.where(norms > 0, norms, np.nan) for norms in (gradients, updates)]
        self._arrived(Read(record, *seen))

    def _rate(self) -> float | None:
        rates = [float(g["lr"]) for o in self._optimizers for g in o.param_groups if "lr" in g]
        return max(rates, default=None)

    def before(self) -> dict[str, torch.Tensor]:
        """The parameters as they were before the last step, by name."""
        return dict(zip(self.names, self._before, strict=False))


def _watched(
    model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> tuple[list[str], list[torch.Tensor]]:
    """What the optimisers hold, by the model's names; tensors that the model does not have are numbered."""
    names = {id(p): name for name, p in model.named_parameters()}
    held = [p for o in optimizers for g in o.param_groups for p in g["params"]]
    found = [(names.get(id(p), f"optimiser[{i}]"), p) for i, p in enumerate(held) if p.is_floating_point()]
    return [name for name, _ in found], [p for _, p in found]


def _joined(norms: Floats) -> float:
    known = norms[~np.isnan(norms)]
    return float(np.sqrt((known**2).sum())) if known.size else float("nan")


def _finite(x: float) -> float | None:
    return x if np.isfinite(x) else None
