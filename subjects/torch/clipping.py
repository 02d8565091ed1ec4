"""torch: gradient clipping by global norm and by value, on real parameters with gradients; rows of bounded norm."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.rows import clipper
from varlaw.subjects.subject import Clipper
from varlaw.subjects.torch.framework import TORCH


def with_gradients(leaves: list[Any], more: Mapping[str, Any] | None = None) -> list[Any]:
    """Parameters of zeros with these gradients; a tensor that is given twice is one parameter given twice."""
    import torch

    made: dict[int, Any] = {}
    for leaf in leaves:
        if id(leaf) not in made:
            made[id(leaf)] = torch.nn.Parameter(torch.zeros_like(leaf))
            made[id(leaf)].grad = _laid_out(leaf, more or {})  # clipped in place: the caller's data is shared
    return [made[id(leaf)] for leaf in leaves]


def _clipper(name: str, op: str, *adjusts: str, foreach: bool | None = None) -> Clipper:
    """`foreach` is the way of several tensors at once, which torch takes by itself on accelerators only."""

    def clip(leaves: list[Any], limit: float, **more: Any) -> tuple[list[Any], Any]:
        import torch

        parameters = with_gradients(leaves, more)
        absent = [torch.nn.Parameter(torch.ones(3))] if "absent" in more else []
        arguments = {theirs: more[ours] for ours, theirs in _ARGUMENTS.items() if ours in more}
        norm = getattr(torch.nn.utils, name)([*absent, *parameters], limit, foreach=foreach, **arguments)
        return [p.grad.to_dense() for p in parameters], norm

    return clipper(TORCH, f"torch.nn.utils.{name}{'(foreach)' if foreach else ''}", op, clip, adjusts=adjusts)


def _in_two_calls(leaves: list[Any], limit: float, **more: Any) -> tuple[list[Any], Any]:
    """The norm first, what is scaled by it afterwards."""
    import torch

    parameters = with_gradients(leaves, more)
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters], more.get("order", 2.0))
    torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return [p.grad.to_dense() for p in parameters], norm


def _scaled(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    """Gradients of a loss that was multiplied by 2^10: they are brought back before they are clipped."""
    import torch

    scaler = torch.amp.GradScaler(leaves[0].device.type, init_scale=2.0**10)
    scaler.scale(torch.zeros((), device=leaves[0].device))
    parameters = with_gradients(leaves)
    distinct = list(dict.fromkeys(parameters))
    for parameter in distinct:
        parameter.grad *= 2.0**10
    scaler.unscale_(torch.optim.SGD(distinct))
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    return [p.grad for p in parameters], norm


_ARGUMENTS = {"order": "norm_type", "strict": "error_if_nonfinite"}


def _laid_out(leaf: Any, more: Mapping[str, Any]) -> Any:
    """A copy of a gradient: sparse, each entry in two halves, or in memory at every second place."""
    import torch

    if "sparse" in more:
        places = torch.arange(leaf.shape[0], device=leaf.device).repeat(2)[None]
        return torch.sparse_coo_tensor(places, torch.cat([leaf / 2, leaf / 2]), leaf.shape)
    if "strided" in more:
        return torch.stack([leaf, leaf + 1], dim=-1)[..., 0]
    return leaf.clone()


def _bounded(name: str, bound: Callable[..., Any]) -> Clipper:
    """`bound(row, limit, order)` gives a matrix of one row, all leaves, back with a norm of `limit` at most."""

    def clip(leaves: list[Any], limit: float, order: float = 2.0) -> tuple[list[Any], Any]:
        return [bound(leaves[0][None], limit, order)[0]], None

    return clipper(TORCH, f"torch.{name}", "clip_norm", clip, single=True, adjusts=("order",))


def _renorm(row: Any, limit: float, order: float) -> Any:
    import torch

    return torch.renorm(row, order, 0, limit)


def _embedding(row: Any, limit: float, order: float) -> Any:
    """The vector that a lookup gives, and that it leaves in the table."""
    import torch

    layer = torch.nn.Embedding(1, row.shape[1], max_norm=limit, norm_type=order, dtype=row.dtype, device=row.device)
    with torch.no_grad():
        layer.weight.copy_(row)
        return layer(torch.zeros(1, dtype=torch.int64, device=row.device))


_NO_HALF = {"float16": "the scaler refuses gradients that are kept in float16"}
_OF_NORM = ("order", "strict", "sparse", "strided", "absent")
_OF_VALUE = ("sparse", "strided", "absent")

CLIPPERS: tuple[Clipper, ...] = (
    _clipper("clip_grad_norm_", "clip_norm", *_OF_NORM),
    _clipper("clip_grad_value_", "clip_value", *_OF_VALUE),
    _clipper("clip_grad_norm_", "clip_norm", *_OF_NORM, foreach=True),
    _clipper("clip_grad_value_", "clip_value", *_OF_VALUE, foreach=True),
    clipper(TORCH, "torch.nn.utils.clip_grads_with_norm_", "clip_norm", _in_two_calls, adjusts=("order",)),
    clipper(TORCH, "torch.amp.GradScaler(clip_grad_norm_)", "clip_norm", _scaled, unsupported=_NO_HALF),
    _bounded("renorm", _renorm),
    _bounded("nn.Embedding(max_norm)", _embedding),
)
