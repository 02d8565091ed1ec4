"""torch: gradient clipping by global norm and by value, on real parameters with gradients; rows of bounded norm."""

from collections.abc import Callable, Sequence
from typing import Any

from varlaw.subjects.leaves import apart, joined
from varlaw.subjects.subject import Clipper, Floats
from varlaw.subjects.torch.framework import TORCH, floats, tensor


def _clipper(name: str, op: str, *, foreach: bool | None = None) -> Clipper:
    """`foreach` is the way of several tensors at once, which torch takes by itself on accelerators only."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        import torch

        made: dict[int, Any] = {}  # an array that is given twice is one parameter given twice
        for g in grads:
            if id(g) not in made:
                made[id(g)] = torch.nn.Parameter(torch.zeros_like(tensor(g, dtype, device)))
                made[id(g)].grad = tensor(g, dtype, device).clone()  # clipped in place: the caller's data is shared
        parameters = [made[id(g)] for g in grads]
        norm = getattr(torch.nn.utils, name)(parameters, limit, foreach=foreach)
        return [floats(p.grad) for p in parameters], None if norm is None else float(norm)

    variant = "(foreach)" if foreach else ""
    return Clipper(name=f"torch.nn.utils.{name}{variant}", framework=TORCH, op=op, apply=apply)


def _bounded(name: str, bound: Callable[[Any, float], Any]) -> Clipper:
    """`bound(row, limit)` gives a matrix of one row, which holds all leaves, back with a norm of `limit` at most."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        one = bound(tensor(joined(grads)[None], dtype, device), limit)
        return apart(floats(one)[0], grads), None

    return Clipper(name=f"torch.{name}", framework=TORCH, op="clip_norm", apply=apply)


def _renorm(row: Any, limit: float) -> Any:
    import torch

    return torch.renorm(row, 2, 0, limit)


def _embedding(row: Any, limit: float) -> Any:
    """The vector that a lookup gives, and that it leaves in the table."""
    import torch

    layer = torch.nn.Embedding(1, row.shape[1], max_norm=limit, dtype=row.dtype, device=row.device)
    with torch.no_grad():
        layer.weight.copy_(row)
        return layer(torch.zeros(1, dtype=torch.int64, device=row.device))


CLIPPERS: tuple[Clipper, ...] = (
    _clipper("clip_grad_norm_", "clip_norm"),
    _clipper("clip_grad_value_", "clip_value"),
    _clipper("clip_grad_norm_", "clip_norm", foreach=True),
    _clipper("clip_grad_value_", "clip_value", foreach=True),
    _bounded("renorm", _renorm),
    _bounded("nn.Embedding(max_norm)", _embedding),
)
