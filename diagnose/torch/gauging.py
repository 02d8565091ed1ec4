"""The numbers of one operation, taken as it runs and read when the pass is over: moments, kinship, units, gradient."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from varlaw.diagnose.records import Call
from varlaw.diagnose.torch import measuring, operations
from varlaw.diagnose.torch.lawful import Asked, against_its_law
from varlaw.diagnose.torch.measuring import Meter

_LABELLED = frozenset(("cross_entropy", "nll_loss", "ctc_loss"))  # whose target is no array like the first
_STARTS = frozenset(("embedding", "recurrent", "other", "opaque", "join"))  # that theory may have no rule of


class Gauge:
    """What is noted of the tensor that a call made; `meter.read()` fills in the numbers afterwards."""

    def __init__(self, lean: bool, guarded: Callable[..., Any]) -> None:
        """A `lean` gauge takes moments from a part of large tensors, and holds no operation against its own law.

        `guarded` runs a function so that its failure never reaches the model.
        """
        self.meter = Meter()
        self.rows = 0  # of the batch
        self.silent: dict[int, torch.Tensor] = {}  # by call, which units of an activation were 0 on every row
        self._lean = lean
        self._of = measuring.part_moments if lean else measuring.moments_of
        self._guarded = guarded

    def begins(self, call: Call, out: torch.Tensor) -> None:
        """A tensor of the batch."""
        self._moments(call, out)
        self._kin(call, out, 1 if out.ndim > 3 else -1)

    def made(
        self, asked: Asked, calls: Sequence[Call], axis: int, of_parameters: Callable[[torch.Tensor], bool]
    ) -> None:
        """What an operation made, whose units lie along `axis`."""
        call, out = asked.call, asked.out
        if not out.numel() or out.is_meta or torch._C._functorch.is_functorch_wrapped_tensor(out):
            return
        self._moments(call, out)
        if call.kind in _STARTS and not self._lean:
            self._kin(call, out, axis)
        if out.requires_grad and not (operations.in_place(asked.func) and out._is_view()):
            # torch 2.13 crashes on a hook of a view whose part was written in place: Longformer's masks
            out.register_hook(self._gradient_of(call))  # type: ignore[no-untyped-call]
        if call.kind == "activation" and out.ndim > 1:
            self._units(call, out, axis)
        if not self._lean:
            against_its_law(asked, calls, self.meter, of_parameters)

    def _units(self, call: Call, out: torch.Tensor, axis: int) -> None:
        rows, silent, saturated = measuring.units_of(out, call.op, axis)
        count, self.silent[call.number] = len(silent), silent
        self.meter.later(
            lambda n, s: setattr(call, "units", measuring.units(count, rows, n, s)), silent.sum(), saturated
        )

    def _kin(self, call: Call, out: torch.Tensor, axis: int) -> None:
        """How alike rows and positions are where a signal starts."""
        if self.rows > 1 and out.ndim > 1 and out.shape[0] == self.rows and not out.is_complex():
            self.meter.later(lambda *x: setattr(call, "kin", measuring.kin(*x)), *measuring.kin_of(out, axis))

    def _moments(self, call: Call, out: torch.Tensor) -> None:
        count = out.numel()
        self.meter.later(lambda q, m: setattr(call, "output", measuring.moments(q, m, count)), *self._of(out))
        if self.rows > 1 and out.ndim > 1 and out.shape[0] == self.rows:
            self.meter.later(lambda s: setattr(call, "apart", s), measuring.spread_of(out, self.rows))

    def _gradient_of(self, call: Call) -> Callable[[torch.Tensor], None]:
        def hook(gradient: torch.Tensor) -> None:
            count = gradient.numel()
            self._guarded(
                lambda op: self.meter.later(
                    lambda q, m: setattr(call, "gradient", measuring.moments(q, m, count)),
                    *self._of(gradient),
                ),
                call.op,
            )

        return hook


def chosen(func: Any, op: str, kind: str, args: Any, kwargs: Any, given: list[Any]) -> dict[str, Any]:
    """The options of a call, and of a loss or a sum the shapes that it took together."""
    chosen = operations.options(func, args, kwargs)
    if kind == "loss" and given:
        chosen["shape_of_logits"] = list(given[0].shape)
        chosen["weighted"] = len(given) > 2
    if kind in ("loss", "add") and len(given) > 1 and given[0].shape != given[1].shape:
        chosen["shapes"] = [list(measuring.sides(t)) for t in given[:2]]
        if op not in _LABELLED:
            stretched = torch.broadcast_shapes(given[0].shape, given[1].shape)  # type: ignore[no-untyped-call]
            chosen["stretched"] = list(stretched)
    return chosen
