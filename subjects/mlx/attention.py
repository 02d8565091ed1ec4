"""mlx.core.fast.scaled_dot_product_attention, whose caller gives the scale."""

from typing import Any

from varlaw.subjects.attending import attention
from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.subject import Experiment


def _attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
    import mlx.core as mx

    q, k, v = (x[None] for x in (q, k, v))  # a batch of one head
    seen = "causal" if causal else None if mask is None else mx.array(mask)
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=seen)


ATTENTION: tuple[Experiment, ...] = (
    attention(
        MLX,
        "core.fast.scaled_dot_product_attention",
        _attend,
        unsupported={"float64": "the softmax is taken in float32, in which MLX computes"},
    ),
)
