"""mlx.optimizers.clip_grad_norm, dropout and the cross entropy of mlx.nn.losses, as rows."""

from typing import Any

from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.mlx.layers import NN
from varlaw.subjects.rows import clipper, loss


def _clip(leaves: list[Any], limit: float, strided: bool = False) -> tuple[list[Any], Any]:
    import mlx.core as mx
    from mlx.optimizers import clip_grad_norm

    if strided:
        leaves = [mx.stack([leaf, leaf + 1], axis=-1)[..., 0] for leaf in leaves]
    clipped, norm = clip_grad_norm({str(i): g for i, g in enumerate(leaves)}, limit)
    return [clipped[str(i)] for i in range(len(leaves))], norm


CLIPPERS = (clipper(MLX, "mlx.optimizers.clip_grad_norm", "clip_norm", _clip, adjusts=("strided",)),)

DROPOUTS = (
    NN.dropout("Dropout", "dropout"),
    NN.dropout("Dropout2d", "channel_dropout", dims=2),
    NN.dropout("Dropout3d", "channel_dropout", dims=3),
)


def _cross_entropy(logits: Any, labels: Any, reduction: str, **more: Any) -> Any:
    from mlx.nn.losses import cross_entropy

    return cross_entropy(logits, labels, reduction=reduction, **more)


def _fused(logits: Any, labels: Any, reduction: str) -> Any:
    """The kernel gives one loss for each row; their mean is taken as a user would take it, in the dtype."""
    import mlx.core as mx

    each = mx.fast.cross_entropy(logits, labels)
    return each.mean() if reduction == "mean" else each


LOSSES = (
    loss(MLX, "mlx.nn.losses.cross_entropy", _cross_entropy, ("smoothing", "sum")),
    loss(MLX, "mlx.core.fast.cross_entropy", _fused),
)
