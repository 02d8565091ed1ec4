"""mlx.optimizers.clip_grad_norm, dropout and the cross entropy of mlx.nn.losses, as rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.mlx.framework import MLX, array, floats
from varlaw.subjects.subject import Clipper, Dropout, Floats, Loss


def _clip(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
    from mlx.optimizers import clip_grad_norm

    clipped, norm = clip_grad_norm({str(i): array(g, dtype) for i, g in enumerate(grads)}, limit)
    return [floats(clipped[str(i)]) for i in range(len(grads))], float(floats(norm))


CLIPPERS = (Clipper(name="mlx.optimizers.clip_grad_norm", framework=MLX, op="clip_norm", apply=_clip),)


def _dropout(name: str, op: str, spatial: int) -> Dropout:
    """A module that takes (batch, *spatial, channels); all but one of the spatial sides are 1."""

    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        import mlx.core as mx
        import mlx.nn

        mx.random.seed(seed)
        batch, channels, length = x.shape
        sides = (length,) + (1,) * (spatial - 1)
        last = x.transpose(0, 2, 1).reshape(batch, *sides, channels)
        y = floats(getattr(mlx.nn, name)(p)(array(last, dtype)))
        return np.ascontiguousarray(y.reshape(batch, length, channels).transpose(0, 2, 1))

    return Dropout(name=f"mlx.nn.{name}", framework=MLX, op=op, apply=apply)


DROPOUTS = (
    _dropout("Dropout", "dropout", 1),
    _dropout("Dropout2d", "channel_dropout", 2),
    _dropout("Dropout3d", "channel_dropout", 3),
)


def _cross_entropy(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
    import mlx.core as mx
    from mlx.nn.losses import cross_entropy

    return floats(cross_entropy(array(logits, dtype), mx.array(labels), reduction=reduction))


def _smoothed(
    logits: Floats, labels: NDArray[np.int64], smoothing: float, ignored: int | None, dtype: str, device: str
) -> Floats:
    import mlx.core as mx
    from mlx.nn.losses import cross_entropy

    z = array(logits, dtype)
    return floats(cross_entropy(z, mx.array(labels), label_smoothing=smoothing, reduction="mean"))


def _fused(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
    """The kernel gives one loss for each row; their mean is taken as a user would take it, in the dtype."""
    import mlx.core as mx

    each = mx.fast.cross_entropy(array(logits, dtype), mx.array(labels))
    return floats(each.mean() if reduction == "mean" else each)


LOSSES = (
    Loss(
        name="mlx.nn.losses.cross_entropy", framework=MLX, op="cross_entropy", apply=_cross_entropy,
        adjusted=_smoothed, adjusts=("smoothing",),
    ),
    Loss(name="mlx.core.fast.cross_entropy", framework=MLX, op="cross_entropy", apply=_fused),
)  # fmt: skip
