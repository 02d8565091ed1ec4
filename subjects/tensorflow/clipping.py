"""tf.clip_by_*: gradient clipping by norm, by global norm, by average norm and by value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.subjects.subject import Clipper, Floats
from varlaw.subjects.tensorflow.framework import TENSORFLOW, floats, place, tensor, tf

_WIDE_ONLY = dict.fromkeys(
    ("float64", "float16", "bfloat16"), "clip_by_average_norm multiplies by a float32 count: other dtypes do not fit"
)


def _each(grads: Sequence[Floats], limit: float, dtype: str) -> tuple[list[Any], None]:
    return [tf().clip_by_value(tensor(g, dtype), -limit, limit) for g in grads], None


def _globally(grads: Sequence[Floats], limit: float, dtype: str) -> tuple[list[Any], Any]:
    clipped, norm = tf().clip_by_global_norm([tensor(g, dtype) for g in grads], limit)
    return clipped, norm


def _whole(clip: Callable[[Any, float], Any]) -> Callable[[Sequence[Floats], float, str], tuple[list[Any], None]]:
    """A function of one tensor: all leaves are put into one."""

    def run(grads: Sequence[Floats], limit: float, dtype: str) -> tuple[list[Any], None]:
        one = clip(tensor(np.concatenate([np.ravel(g) for g in grads]), dtype), limit)
        parts = tf().split(one, [g.size for g in grads])
        return [tf().reshape(part, g.shape) for part, g in zip(parts, grads, strict=True)], None

    return run


def _clipper(name: str, op: str, run: Callable[..., Any], unsupported: Mapping[str, str] | None = None) -> Clipper:
    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        with place(device):
            clipped, norm = run(grads, limit, dtype)
            return [floats(g) for g in clipped], None if norm is None else float(norm)

    return Clipper(
        name=f"tensorflow.{name}", framework=TENSORFLOW, op=op, apply=apply, unsupported=unsupported or {},
        nonfinite="signals" if "global" in name else "",
    )  # fmt: skip


CLIPPERS: tuple[Clipper, ...] = (
    _clipper("clip_by_global_norm", "clip_norm", _globally),
    _clipper("clip_by_norm", "clip_norm", _whole(lambda t, limit: tf().clip_by_norm(t, limit))),
    # The average norm is the norm over the number of entries.
    _clipper(
        "compat.v1.clip_by_average_norm",
        "clip_norm",
        _whole(lambda t, limit: tf().compat.v1.clip_by_average_norm(t, limit / int(t.shape[0]))),
        _WIDE_ONLY,
    ),
    _clipper("clip_by_value", "clip_value", _each),
    _clipper(
        "nn.embedding_lookup(max_norm)",
        "clip_norm",
        _whole(lambda t, limit: tf().nn.embedding_lookup(t[None], [0], max_norm=limit)[0]),
    ),
)
