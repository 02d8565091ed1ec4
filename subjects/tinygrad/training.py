"""Tensor.dropout and the cross entropies of tinygrad, as rows."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.rows import dropout, loss
from varlaw.subjects.subject import Dropout, Loss
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED, context


def _drop(x: Any, p: float, key: Any) -> Any:
    return x.dropout(p).realize()


def _drop_in_default(x: Any, p: float, key: Any) -> Any:
    """The dtype is the default one too, as where DEFAULT_FLOAT is set to train in 16 bits."""
    with context(str(x.dtype).removeprefix("dtypes."), training=True):
        return x.dropout(p).realize()


DROPOUTS: tuple[Dropout, ...] = (
    dropout(TINYGRAD, "tinygrad.Tensor.dropout", "dropout", _drop, unsupported=UNSUPPORTED),
    dropout(TINYGRAD, "tinygrad.Tensor.dropout(DEFAULT_FLOAT)", "dropout", _drop_in_default, unsupported=UNSUPPORTED),
)


def _loss(name: str, call: Callable[..., Any], *adjusts: str) -> Loss:
    return loss(TINYGRAD, f"tinygrad.Tensor.{name}", call, adjusts, unsupported=UNSUPPORTED)


LOSSES: tuple[Loss, ...] = (
    _loss("cross_entropy", lambda x, t, how, **more: x.cross_entropy(t, reduction=how, **more), "smoothing"),
    _loss(
        "sparse_categorical_crossentropy",
        lambda x, t, how, **more: x.sparse_categorical_crossentropy(t, reduction=how, **more),
        "smoothing",
        "ignored",
    ),
    _loss(
        "nll_loss",
        lambda x, t, how, **more: x.log_softmax(axis=1).nll_loss(t, reduction=how, **more),
        "ignored",
    ),
)
