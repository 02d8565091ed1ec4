"""timm's dropping of paths and blocks, and its clipping of gradients."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.rows import clipper, dropout
from varlaw.subjects.subject import Clipper, Dropout
from varlaw.subjects.timm.framework import TIMM, timm, utils
from varlaw.subjects.torch.clipping import with_gradients


def _dropout(name: str, op: str, drop: Callable[[Any, float, Any], Any]) -> Dropout:
    """`drop(timm.layers, p, x)`."""
    return dropout(TIMM, f"timm.layers.{name}", op, lambda x, p, key: drop(timm().layers, p, x))


def _single(layers: Any, p: float, x: Any) -> Any:
    """Blocks of one unit, each channel with a mask of its own: what is left of DropBlock is dropout."""
    return layers.drop_block_2d(x[..., None], p, block_size=1, couple_channels=False)


def _in_an_image(layers: Any, p: float, x: Any) -> Any:
    """Blocks as they come: each number of x is one place, drawn at random, of an image of its own."""
    import torch

    place = torch.randint(_SIDE * _SIDE, (x.numel(), 1))
    images = x.reshape(-1, 1, 1, 1).expand(-1, 1, _SIDE, _SIDE).contiguous()
    return layers.DropBlock2d(p)(images).flatten(1).gather(1, place)


_SIDE = 14  # twice the default size of a block

DROPOUTS: tuple[Dropout, ...] = (
    _dropout("drop_path", "drop_path", lambda layers, p, x: layers.drop_path(x, p, training=True)),
    _dropout("DropPath", "drop_path", lambda layers, p, x: layers.DropPath(p)(x)),
    _dropout("drop_block_2d(block_size=1)", "dropout", _single),
    _dropout(
        "DropBlock2d(block_size=1)", "dropout",
        lambda layers, p, x: layers.DropBlock2d(p, block_size=1, couple_channels=False)(x[..., None]),
    ),
    _dropout("DropBlock2d", "dropout", _in_an_image),
)  # fmt: skip


def _clipper(name: str, op: str, clip: Callable[..., Any], *adjusts: str) -> Clipper:
    """`clip(timm.utils, parameters, limit)` clips gradients in place."""

    def run(leaves: list[Any], limit: float, **more: Any) -> tuple[list[Any], None]:
        parameters = with_gradients(leaves)
        clip(utils(), parameters, limit, **more)
        return [p.grad for p in parameters], None

    return clipper(TIMM, f"timm.utils.{name}", op, run, adjusts=adjusts)


def _by_norm(library: Any, parameters: list[Any], limit: float, order: float = 2.0) -> None:
    library.dispatch_clip_grad(parameters, limit, "norm", norm_type=order)


def _adaptive(library: Any, parameters: list[Any], limit: float) -> None:
    """All gradients as one vector beside a parameter of norm 1: the limit is then clip_factor itself."""
    import torch

    whole = torch.nn.Parameter(torch.zeros(sum(p.numel() for p in parameters), dtype=parameters[0].dtype))
    whole.data[0] = 1.0
    whole.grad = torch.cat([p.grad.reshape(-1) for p in parameters])
    library.adaptive_clip_grad(whole, clip_factor=limit)
    pieces = torch.split(whole.grad, [p.numel() for p in parameters])
    for p, piece in zip(parameters, pieces, strict=True):
        p.grad = piece.reshape(p.shape)


CLIPPERS: tuple[Clipper, ...] = (
    _clipper("adaptive_clip_grad", "clip_norm", _adaptive),
    _clipper("dispatch_clip_grad(norm)", "clip_norm", _by_norm, "order"),
    _clipper("dispatch_clip_grad(value)", "clip_value", lambda u, ps, limit: u.dispatch_clip_grad(ps, limit, "value")),
)
