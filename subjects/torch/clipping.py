"""torch: gradient clipping by global norm and by value, on real parameters with gradients; rows of bounded norm."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.rows import clipper
from varlaw.subjects.subject import Clipper
from varlaw.subjects.torch.framework import TORCH


def with_gradients(leaves: list[Any]) -> list[Any]:
    """Parameters of zeros with these gradients; a tensor that is given twice is one parameter given twice."""
    import torch

    made: dict[int, Any] = {}
    for leaf in leaves:
        if id(leaf) not in made:
            made[id(leaf)] = torch.nn.Parameter(torch.zeros_like(leaf))
            made[id(leaf)].grad = leaf.clone()  # clipped in place: the caller's data is shared
    return [made[id(leaf)] for leaf in leaves]


def _clipper(name: str, op: str, *, foreach: bool | None = None) -> Clipper:
    """`foreach` is the way of several tensors at once, which torch takes by itself on accelerators only."""

    def clip(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
        import torch

        parameters = with_gradients(leaves)
        norm = getattr(torch.nn.utils, name)(parameters, limit, foreach=foreach)
        return [p.grad for p in parameters], norm

    return clipper(TORCH, f"torch.nn.utils.{name}{'(foreach)' if foreach else ''}", op, clip)


def _bounded(name: str, bound: Callable[[Any, float], Any]) -> Clipper:
    """`bound(row, limit)` gives a matrix of one row, which holds all leaves, back with a norm of `limit` at most."""

    def clip(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
        return [bound(leaves[0][None], limit)[0]], None

    return clipper(TORCH, f"torch.{name}", "clip_norm", clip, single=True)


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
