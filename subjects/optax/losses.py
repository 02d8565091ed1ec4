"""optax: the cross entropies among its losses."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.optax.framework import OPTAX
from varlaw.subjects.rows import loss
from varlaw.subjects.subject import Loss

Cross = Callable[[Any, Any, NDArray[np.int64]], Any]  # (optax, logits, labels) -> losses, one a row


def _loss(name: str, cross: Cross, indices: bool = False) -> Loss:
    """optax returns one loss a row; its documentation takes the mean of them with `.mean()`."""

    def call(logits: Any, labels: NDArray[np.int64], reduction: str) -> Any:
        import optax

        losses = cross(optax, logits, labels)
        return losses.mean() if reduction == "mean" else losses

    return loss(OPTAX, f"optax.{name}", call, indices=indices)


def _one_hot(logits: Any, labels: NDArray[np.int64]) -> Any:
    import jax

    return jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)


LOSSES: tuple[Loss, ...] = (
    _loss("softmax_cross_entropy", lambda o, x, y: o.softmax_cross_entropy(x, _one_hot(x, y))),
    _loss(
        "softmax_cross_entropy_with_integer_labels",
        lambda o, x, y: o.softmax_cross_entropy_with_integer_labels(x, y.astype(np.int32)),
        indices=True,
    ),
    _loss("safe_softmax_cross_entropy", lambda o, x, y: o.safe_softmax_cross_entropy(x, _one_hot(x, y))),
    _loss(
        "losses.poly_loss_cross_entropy",
        lambda o, x, y: o.losses.poly_loss_cross_entropy(x, _one_hot(x, y), epsilon=0.0),
    ),
)
