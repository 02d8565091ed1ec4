"""timm's dropping of paths and blocks, and its clipping of gradients."""

from collections.abc import Callable, Sequence
from typing import Any

from varlaw.subjects.subject import Clipper, Dropout, Floats
from varlaw.subjects.timm.framework import TIMM, timm, utils

Drop = Callable[[Any, float, Any], Any]  # (timm.layers, p, x) -> y
Clip = Callable[[Any, list[Any], float], Any]  # (timm.utils, parameters, limit)


def _dropout(name: str, op: str, drop: Drop) -> Dropout:
    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            y = drop(timm().layers, p, torch.as_tensor(x.copy()).to(getattr(torch, dtype)))
        return y.double().numpy().reshape(x.shape)  # type: ignore[no-any-return]

    return Dropout(name=f"timm.layers.{name}", framework=TIMM, op=op, apply=apply)


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


def _clipper(name: str, op: str, clip: Clip) -> Clipper:
    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        import torch

        made: dict[int, Any] = {}  # an array that is given twice is one parameter given twice
        for g in grads:
            if id(g) not in made:
                made[id(g)] = torch.nn.Parameter(torch.zeros(g.shape, dtype=getattr(torch, dtype)))
                made[id(g)].grad = torch.as_tensor(g.copy()).to(getattr(torch, dtype))
        clip(utils(), [made[id(g)] for g in grads], limit)
        return [made[id(g)].grad.double().numpy() for g in grads], None

    return Clipper(name=f"timm.utils.{name}", framework=TIMM, op=op, apply=apply)


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
    _clipper("dispatch_clip_grad(norm)", "clip_norm", lambda u, ps, limit: u.dispatch_clip_grad(ps, limit, "norm")),
    _clipper("dispatch_clip_grad(value)", "clip_value", lambda u, ps, limit: u.dispatch_clip_grad(ps, limit, "value")),
)
