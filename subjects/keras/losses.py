"""keras.losses: cross-entropy on logits, over integer labels and over one-hot ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.keras.framework import KERAS, OnBackend, floats, keras, place, tensor
from varlaw.subjects.keras.measure import detached
from varlaw.subjects.subject import Floats, Loss

Labels = NDArray[np.int64]
_REDUCTIONS = {"mean": "sum_over_batch_size", "none": None}


def _one_hot(labels: Labels, classes: int, dtype: str) -> Any:
    return keras().ops.one_hot(tensor(labels, "int32"), classes, dtype=dtype)


def _given(labels: Labels, classes: int, dtype: str, sparse: bool) -> Any:
    return tensor(labels, "int32") if sparse else _one_hot(labels, classes, dtype)


_ROUNDED = dict.fromkeys(
    ("float16", "bfloat16"), "labels are rounded to the loss's dtype, and a class that is not there is an error"
)


def _loss(
    name: str, call: Callable[..., Any], sparse: bool, unsupported: Any = None, adjusts: tuple[str, ...] = ()
) -> Loss:
    def apply(logits: Floats, labels: Labels, reduction: str, dtype: str, device: str) -> Floats:
        with place(dtype, device):
            wanted = _given(labels, logits.shape[1], dtype, sparse)
            return floats(detached(call(wanted, tensor(logits, dtype), reduction, dtype)))

    def adjusted(
        logits: Floats, labels: Labels, smoothing: float, ignored: int | None, dtype: str, device: str
    ) -> Floats:
        more = {"label_smoothing": smoothing} if smoothing else {}
        more |= {"ignore_class": ignored} if ignored is not None else {}
        with place(dtype, device):
            wanted = _given(labels, logits.shape[1], dtype, sparse)
            return floats(detached(call(wanted, tensor(logits, dtype), "mean", dtype, **more)))

    return Loss(
        name=f"keras.losses.{name}", framework=KERAS, op="cross_entropy", apply=apply, adjusted=adjusted,
        adjusts=adjusts, indices=sparse, unsupported=unsupported or {},
    )  # fmt: skip


def _class(name: str, narrow: bool = False) -> Callable[..., Any]:
    """A loss object; it computes in float32 whatever it is given, unless it is made `narrow`."""

    def call(labels: Any, logits: Any, reduction: str, dtype: str, **more: Any) -> Any:
        wide = dtype if narrow or dtype == "float64" else None
        loss = getattr(keras().losses, name)(from_logits=True, reduction=_REDUCTIONS[reduction], dtype=wide, **more)
        return loss(labels, logits)

    return call


def _function(name: str) -> Callable[..., Any]:
    def call(labels: Any, logits: Any, reduction: str, dtype: str, **more: Any) -> Any:
        losses = getattr(keras().losses, name)(labels, logits, from_logits=True, **more)
        return keras().ops.mean(losses) if reduction == "mean" else losses

    return call


_SMOOTHING, _IGNORED = ("smoothing",), ("ignored",)

LOSSES: tuple[Loss, ...] = (
    _loss("SparseCategoricalCrossentropy", _class("SparseCategoricalCrossentropy"), sparse=True, adjusts=_IGNORED),
    _loss("CategoricalCrossentropy", _class("CategoricalCrossentropy"), sparse=False, adjusts=_SMOOTHING),
    _loss(
        "SparseCategoricalCrossentropy(dtype)",
        _class("SparseCategoricalCrossentropy", narrow=True),
        sparse=True,
        unsupported=OnBackend(torch=_ROUNDED, tensorflow=_ROUNDED),
    ),
    _loss("CategoricalCrossentropy(dtype)", _class("CategoricalCrossentropy", narrow=True), sparse=False),
    _loss("sparse_categorical_crossentropy", _function("sparse_categorical_crossentropy"), sparse=True),
    _loss("categorical_crossentropy", _function("categorical_crossentropy"), sparse=False, adjusts=_SMOOTHING),
)
