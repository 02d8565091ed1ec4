"""keras.losses: cross-entropy on logits, over integer labels and over one-hot ones."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import rows
from varlaw.subjects.keras.framework import KERAS, OnBackend, dtype_of, keras
from varlaw.subjects.subject import Loss

Call = Callable[..., Any]  # (labels, logits, reduction, further arguments) -> loss
_REDUCTIONS = {"mean": "sum_over_batch_size", "none": None}
_SPARSE = "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"  # they take labels as integers

_ROUNDED = dict.fromkeys(
    ("float16", "bfloat16"), "labels are rounded to the loss's dtype, and a class that is not there is an error"
)


def _loss(name: str, loss: Call, *adjusts: str, label: str = "", unsupported: Any = None) -> Loss:
    def call(
        logits: Any, labels: Any, reduction: str, *, label_smoothing: float = 0.0, ignore_index: int | None = None
    ) -> Any:
        more: dict[str, Any] = {"label_smoothing": label_smoothing} if label_smoothing else {}
        more |= {} if ignore_index is None else {"ignore_class": ignore_index}
        rows_of = keras().ops.one_hot(labels, logits.shape[1], dtype=dtype_of(logits))
        return loss(labels if name in _SPARSE else rows_of, logits, reduction, **more)

    title = f"keras.losses.{name}{label}"
    return rows.loss(KERAS, title, call, adjusts, indices=name in _SPARSE, unsupported=unsupported or {})


def _class(name: str, *adjusts: str, narrow: bool = False, unsupported: Any = None) -> Loss:
    """A loss object; it computes in float32 whatever it is given, unless it is made `narrow`."""

    def loss(labels: Any, logits: Any, reduction: str, **more: Any) -> Any:
        dtype = dtype_of(logits)
        wide = dtype if narrow or dtype == "float64" else None
        made = getattr(keras().losses, name)(from_logits=True, reduction=_REDUCTIONS[reduction], dtype=wide, **more)
        return made(labels, logits)

    return _loss(name, loss, *adjusts, label="(dtype)" * narrow, unsupported=unsupported)


def _function(name: str, *adjusts: str) -> Loss:
    def loss(labels: Any, logits: Any, reduction: str, **more: Any) -> Any:
        losses = getattr(keras().losses, name)(labels, logits, from_logits=True, **more)
        return keras().ops.mean(losses) if reduction == "mean" else losses

    return _loss(name, loss, *adjusts)


LOSSES: tuple[Loss, ...] = (
    _class("SparseCategoricalCrossentropy", "ignored"),
    _class("CategoricalCrossentropy", "smoothing"),
    _class("SparseCategoricalCrossentropy", narrow=True, unsupported=OnBackend(torch=_ROUNDED, tensorflow=_ROUNDED)),
    _class("CategoricalCrossentropy", narrow=True),
    _function("sparse_categorical_crossentropy"),
    _function("categorical_crossentropy", "smoothing"),
)
