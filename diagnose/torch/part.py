"""One optimiser that is watched: the hooks around its step and on its backward passes, its numbers on the device."""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from varlaw.diagnose.torch.sampling import Sample, grouped, local

Floats = NDArray[np.float64]

NONE = -1.0  # stands for the norm of a gradient that is not there
_LOST_EVERY = 8  # steps between looks at updates that rounding takes
_LOST_ALSO = range(128, 160)  # behind a warm-up, so that it is known soon
_LOOKS = 64  # steps in which an accelerator is asked, and waited for, whether gradients were set to zero

_CLOCK = itertools.count()


class Part:
    """One optimiser: its tensors, and what its last step did; `names` are those of the model."""

    def __init__(self, optimizer: torch.optim.Optimizer, names: dict[int, str], number: int) -> None:
        self.optimizer, self._names, self._number = optimizer, names, number
        self.handles: list[Any] = []
        self.backwards = 0
        self.kept = 0  # steps in a row whose gradients include those of the step before
        self.thrown = 0  # backward passes since the last step whose gradients were cleared before it
        self._version, self._delivered = 0, False  # of the smallest tensor at the last pass; whether it got anything
        self.arrived_at = self.stepped_at = -1  # by one clock of all optimisers: the last pass, the last step
        self._fresh = self._suspect = self._skips = self._wrong = False
        self._looks = 0
        self._steps = 0
        self._gradients: list[torch.Tensor | None] = []
        self._norms: list[torch.Tensor] = []  # by device
        self.before: dict[int, torch.Tensor] = {}  # by id: the weights from before a step that went wrong
        self.pending: list[torch.Tensor] = []
        self.asked = False  # whether products of gradients and the moves before them are wanted
        self._along: list[torch.Tensor | None] = []  # by device
        self._hold()

    # -- which tensors ---------------------------------------------------------------------------------------------

    def _held(self) -> list[torch.Tensor]:
        return [p for g in self.optimizer.param_groups for p in g["params"] if p.is_floating_point()]

    def _hold(self) -> None:
        self.tensors = self._held()
        self._ids = list(map(id, self.tensors))
        self.names = [self._names.get(i, f"optimiser[{self._number}.{k}]") for k, i in enumerate(self._ids)]
        self._places = grouped(self.tensors)
        self._after: list[torch.Tensor | None] = [None] * len(self._places)
        self._moved: list[torch.Tensor | None] = [None] * len(self._places)  # entries, by the last step
        self._samples = [Sample([self.tensors[i] for i in places]) for places in self._places]
        self._at_hand = all(t.device.type == "cpu" for t in self.tensors)

    def changed(self) -> bool:
        """Whether the optimiser holds other tensors than before; they are taken up."""
        if list(map(id, self._held())) == self._ids:
            return False
        self._hold()
        self.watch_backwards()
        return True

    @property
    def trained(self) -> int:
        """How many of the tensors are trained now."""
        return sum(t.requires_grad for t in self.tensors)

    # -- the backward passes ---------------------------------------------------------------------------------------

    def watch_backwards(self) -> None:
        """Counts the backward passes that reach the smallest tensor, and sees whether they find an old gradient."""
        for handle in self.handles:
            handle.remove()
        self.handles.clear()
        plain = [t for t in self.tensors if t.requires_grad and t.is_leaf]
        if not plain:
            return
        first = min(plain, key=lambda t: t.numel())
        if hasattr(first, "to_local"):  # hooks of a sharded parameter never see its gradient before it is added
            self.handles.append(first.register_post_accumulate_grad_hook(lambda _: self._counted()))  # type: ignore[no-untyped-call]
        else:
            self.handles.append(first.register_hook(partial(self._arriving, first)))  # type: ignore[no-untyped-call]

    def _counted(self) -> None:
        self.backwards += 1
        self.arrived_at = next(_CLOCK)

    def _arriving(self, tensor: torch.Tensor, gradient: torch.Tensor) -> None:
        if torch.compiler.is_compiling():
            return
        empty = tensor.grad is None
        if tensor.grad is not None and (tensor.device.type == "cpu" or (self._fresh and self._looks < _LOOKS)):
            self._looks += 1
            empty = not bool(tensor.grad.any())
            self._suspect = self._suspect or (self._fresh and not empty)
        if empty and self._delivered and not self._fresh and tensor._version == self._version:
            self.thrown += self.backwards  # at the same weights: it is no step within a step
        self._version = tensor._version
        self._delivered = tensor.device.type != "cpu" or bool(gradient.any())
        self.backwards, self.arrived_at = 1 if empty else self.backwards + 1, next(_CLOCK)
        self._suspect = self._suspect and not empty
        self._fresh = False

    # -- around a step ---------------------------------------------------------------------------------------------

    def pre(self, *, closure: bool) -> None:
        """Before a step; the gradients are there unless a closure makes them, which calls `arrived` itself."""
        self._before = [sample.read() for sample in self._samples]
        self._between = [self._moved_since(k) for k in range(len(self._samples))]
        if closure:
            self._gradients = [None] * len(self.tensors)
            self._along = [None] * len(self._samples)
            self._norms = [self._normed(k) for k in range(len(self._samples))]
        else:
            self.arrived()

    @torch.no_grad()
    def arrived(self) -> None:
        """The gradients of a step are there, the weights are what they were: after each run of a closure, too."""
        self.kept = self.kept + 1 if self._suspect else 0
        self._gradients = [_dense(t.grad) for t in self.tensors]
        self._norms = [self._normed(k) for k in range(len(self._samples))]
        self._along = [self._product(k) for k in range(len(self._samples))]
        self._skips = getattr(self.optimizer, "found_inf", None) is not None
        self._keep()

    def _keep(self) -> None:
        """A copy of the weights for a replay: on the CPU when it is needed, elsewhere always, as nobody may wait."""
        if self._at_hand:
            self._wrong = not all(bool(torch.isfinite(norms).all()) for norms in self._norms)
            kept = zip(self._ids, self.tensors, strict=True) if self._wrong and not self._skips else ()
            self.before = {i: t.detach().clone() for i, t in kept}
        elif self.before.keys() != set(self._ids):
            self.before = {i: t.detach().clone() for i, t in zip(self._ids, self.tensors, strict=True)}
        else:
            torch._foreach_copy_(list(self.before.values()), [t.detach() for t in self.tensors])

    @torch.no_grad()
    def post(self) -> None:
        if not hasattr(self, "_before") or len(self._before) != len(self._samples):
            return
        self._steps += 1
        self._fresh, self._suspect, self.stepped_at = True, False, next(_CLOCK)
        if self._wrong and self._skips:
            return  # a fused optimiser has left this step out by itself
        inverse = _inverse_scale(self.optimizer)
        self.pending = [self._numbers(k, inverse) for k in range(len(self._samples))]
        self._gradients = []

    def _moved_since(self, group: int) -> torch.Tensor | None:
        """By tensor of one device, square norms of what moved the weights since the last step; None where none did."""
        before, last = self._before[group], self._after[group]
        if last is None or last.dtype != before.dtype or (self._at_hand and torch.equal(before, last)):
            return None  # weights that are cast are other numbers, for a reason
        return self._samples[group].squares(before - last)

    def _product(self, group: int) -> torch.Tensor | None:
        """By tensor of one device, the gradient times what the last step moved, where it is asked for."""
        moved = self._moved[group]
        if not self.asked or moved is None:
            return None
        return self._samples[group].products([self._gradients[i] for i in self._places[group]], moved)

    def _normed(self, group: int) -> torch.Tensor:
        """Norms of the gradients of one device; `NONE` where there is none."""
        places, device = self._places[group], self._samples[group].device
        live = [k for k, i in enumerate(places) if self._gradients[i] is not None]
        found = _norms([g for i in places if (g := self._gradients[i]) is not None])
        if len(live) == len(places):
            return found
        return torch.full((len(places),), NONE, dtype=found.dtype, device=device).index_copy_(
            0, torch.tensor(live, dtype=torch.long, device=device), found.to(device)
        )

    def _numbers(self, group: int, inverse: torch.Tensor | float) -> torch.Tensor:
        """By tensor of one device: norms of gradient, update, weight, move since the last; share of lost entries.

        And the product of the gradient with the update before it, where it is asked for.
        """
        sample, places, before = self._samples[group], self._places[group], self._before[group]
        after = sample.read()
        moved = after - before
        norms = self._norms[group]
        lost = torch.full_like(norms, float("nan"))
        if self._steps % _LOST_EVERY == 1 or self._steps in _LOST_ALSO:
            pushed = sample.like([self._gradients[i] for i in places]) != 0
            lost = sample.sums(pushed & (moved == 0)).double() / sample.sums(pushed).double()
        self._after[group], self._moved[group], between = after, moved, self._between[group]
        squares = [
            sample.squares(moved),
            sample.squares(after),
            torch.zeros_like(norms) if between is None else between,
        ]
        along = [] if (product := self._along[group]) is None else [product * inverse]
        return torch.stack([norms * inverse, *(s.double().sqrt() for s in squares), lost, *along])

    def table(self, numbers: Sequence[Floats]) -> Floats:
        """Six rows, a column for each tensor, from the numbers of each device; NaN without numbers."""
        table = np.full((6, len(self.tensors)), np.nan)
        table[0] = NONE
        for places, found in zip(self._places, numbers, strict=False):
            table[: len(found), places] = found
        if self._skips and not np.isfinite(table[0]).all():
            table[0] = NONE  # the same on an accelerator, known only now
        return table


def _dense(gradient: torch.Tensor | None) -> torch.Tensor | None:
    if gradient is None:
        return None
    part = gradient if type(gradient) is torch.Tensor else local(gradient)
    return part.coalesce().to_dense() if part.is_sparse else part


def _norms(gradients: Sequence[torch.Tensor]) -> torch.Tensor:
    """Norms of tensors of one device, in float32 or wider: squares of float16 leave its range."""
    if not gradients:
        return torch.zeros(0, dtype=torch.float64)
    if len({g.dtype for g in gradients}) == 1 and gradients[0].element_size() >= 4:
        return torch.stack(torch._foreach_norm(list(gradients))).double()
    return torch.stack(
        [
            torch.linalg.vector_norm(g, dtype=None if g.element_size() >= 4 else torch.float32).double()
            for g in gradients
        ]
    )


def _inverse_scale(optimizer: torch.optim.Optimizer) -> torch.Tensor | float:
    """One over the scale of a gradient scaler that an optimiser divides by itself, as fused ones do."""
    scale = getattr(optimizer, "grad_scale", None)
    return 1.0 if scale is None else 1.0 / scale.double()
