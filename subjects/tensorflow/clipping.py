"""tf.clip_by_*: gradient clipping by norm, by global norm, by average norm and by value."""

from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.subjects.rows import clipper
from varlaw.subjects.subject import Clipper
from varlaw.subjects.tensorflow.framework import TENSORFLOW, tf

_WIDE_ONLY = dict.fromkeys(
    ("float64", "float16", "bfloat16"), "clip_by_average_norm multiplies by a float32 count: other dtypes do not fit"
)


def _whole(name: str, clip: Callable[[Any, float], Any], **rest: Any) -> Clipper:
    """A function of one tensor: all leaves are put into one."""
    title = f"tensorflow.{name}"
    return clipper(TENSORFLOW, title, "clip_norm", lambda ts, limit: ([clip(ts[0], limit)], None), single=True, **rest)


def _globally(leaves: list[Any], limit: float, absent: bool = False, sparse: bool = False) -> tuple[list[Any], Any]:
    """Sparse leaves as the gradient of a lookup gives them: slices, here of one entry, that name each place twice."""
    given = [_slices(leaf) if sparse else leaf for leaf in leaves]
    clipped, norm = tf().clip_by_global_norm([None, *given] if absent else given, limit)
    return [tf().convert_to_tensor(g) for g in (clipped[1:] if absent else clipped)], norm


def _slices(leaf: Any) -> Any:
    places = np.tile(np.arange(leaf.shape[0]), 2)
    return tf().IndexedSlices(tf().concat([leaf / 2, leaf / 2], axis=0), places, dense_shape=leaf.shape)


def _by_value(leaves: list[Any], limit: float, low: float | None = None) -> tuple[list[Any], None]:
    return [tf().clip_by_value(leaf, -limit if low is None else low, limit) for leaf in leaves], None


CLIPPERS: tuple[Clipper, ...] = (
    clipper(
        TENSORFLOW, "tensorflow.clip_by_global_norm", "clip_norm", _globally, adjusts=("absent", "sparse"),
        nonfinite="signals",
    ),
    _whole("clip_by_norm", lambda t, limit: tf().clip_by_norm(t, limit)),
    # The average norm is the norm over the number of entries.
    _whole(
        "compat.v1.clip_by_average_norm",
        lambda t, limit: tf().compat.v1.clip_by_average_norm(t, limit / int(t.shape[0])),
        unsupported=_WIDE_ONLY,
    ),
    clipper(TENSORFLOW, "tensorflow.clip_by_value", "clip_value", _by_value, adjusts=("low",)),
    _whole("nn.embedding_lookup(max_norm)", lambda t, limit: tf().nn.embedding_lookup(t[None], [0], max_norm=limit)[0]),
)  # fmt: skip
