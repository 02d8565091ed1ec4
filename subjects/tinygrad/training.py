"""Tensor.dropout and the cross entropies of tinygrad, as rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.subject import Dropout, Floats, Loss
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED, array, context, floats


def _dropout(name: str, *, everywhere: bool) -> Dropout:
    """`everywhere`: the dtype is the default one too, as where DEFAULT_FLOAT is set to train in 16 bits."""

    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        from tinygrad import Tensor

        Tensor.manual_seed(seed & 0xFFFFFFFF)
        with context(dtype if everywhere else "float32", training=True):
            return floats(array(x, dtype).dropout(p))

    return Dropout(name=name, framework=TINYGRAD, op="dropout", apply=apply, unsupported=UNSUPPORTED)


DROPOUTS: tuple[Dropout, ...] = (
    _dropout("tinygrad.Tensor.dropout", everywhere=False),
    _dropout("tinygrad.Tensor.dropout(DEFAULT_FLOAT)", everywhere=True),
)


def _loss(name: str, call: Callable[..., Any], adjusts: tuple[str, ...]) -> Loss:
    def apply(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
        from tinygrad import Tensor

        return floats(call(array(logits, dtype), Tensor(labels.astype(np.int32)), reduction))

    def adjusted(
        logits: Floats, labels: NDArray[np.int64], smoothing: float, ignored: int | None, dtype: str, device: str
    ) -> Floats:
        from tinygrad import Tensor

        more = {"label_smoothing": smoothing} if smoothing else {}
        more |= {"ignore_index": ignored} if ignored is not None else {}
        return floats(call(array(logits, dtype), Tensor(labels.astype(np.int32)), "mean", **more))

    return Loss(
        name=f"tinygrad.Tensor.{name}", framework=TINYGRAD, op="cross_entropy", apply=apply, adjusted=adjusted,
        adjusts=adjusts, unsupported=UNSUPPORTED,
    )  # fmt: skip


LOSSES: tuple[Loss, ...] = (
    _loss("cross_entropy", lambda x, t, how, **more: x.cross_entropy(t, reduction=how, **more), ("smoothing",)),
    _loss(
        "sparse_categorical_crossentropy",
        lambda x, t, how, **more: x.sparse_categorical_crossentropy(t, reduction=how, **more),
        ("smoothing", "ignored"),
    ),
    _loss(
        "nll_loss",
        lambda x, t, how, **more: x.log_softmax(axis=1).nll_loss(t, reduction=how, **more),
        ("ignored",),
    ),
)
