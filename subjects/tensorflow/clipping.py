"""tf.clip_by_*: gradient clipping by norm, by global norm, by average norm and by value."""

from collections.abc import Callable
from typing import Any

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


CLIPPERS: tuple[Clipper, ...] = (
    clipper(
        TENSORFLOW, "tensorflow.clip_by_global_norm", "clip_norm",
        lambda ts, limit: tf().clip_by_global_norm(ts, limit), nonfinite="signals",
    ),
    _whole("clip_by_norm", lambda t, limit: tf().clip_by_norm(t, limit)),
    # The average norm is the norm over the number of entries.
    _whole(
        "compat.v1.clip_by_average_norm",
        lambda t, limit: tf().compat.v1.clip_by_average_norm(t, limit / int(t.shape[0])),
        unsupported=_WIDE_ONLY,
    ),
    clipper(
        TENSORFLOW, "tensorflow.clip_by_value", "clip_value",
        lambda ts, limit: ([tf().clip_by_value(t, -limit, limit) for t in ts], None),
    ),
    _whole("nn.embedding_lookup(max_norm)", lambda t, limit: tf().nn.embedding_lookup(t[None], [0], max_norm=limit)[0]),
)  # fmt: skip
