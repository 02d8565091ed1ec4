"""mlx.core.fast.scaled_dot_product_attention, whose caller gives the scale, and rotary positions."""

from typing import Any

import numpy as np

from varlaw.subjects.attending import alibi, attention, chosen, edges, grouped, rotary
from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.subject import Case, Experiment


def _attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
    import mlx.core as mx

    q, k, v = (x[None] for x in (q, k, v))  # a batch of one head
    seen = "causal" if causal else None if mask is None else mx.array(mask)
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=seen)


def _scaled(q: Any, k: Any, v: Any, bias: Any, case: Case) -> Any:
    import mlx.core as mx

    added = None if bias is None else mx.array(bias).astype(q.dtype)
    return mx.fast.scaled_dot_product_attention(q[None], k[None], v[None], scale=case["scale"], mask=added)


def _grouped(q: Any, k: Any, v: Any) -> Any:
    import mlx.core as mx

    return mx.fast.scaled_dot_product_attention(q[None], k[None], v[None], scale=q.shape[-1] ** -0.5)


def _rotate(x: Any, first: int, base: float) -> Any:
    import mlx.nn as nn

    return nn.RoPE(x.shape[-1], base=base)(x[None, None], offset=first)


def _biases(heads: int, distance: int, dtype: str, device: str) -> Any:
    import mlx.nn as nn

    matrix = nn.ALiBi.create_alibi_matrix(distance + 1, 1, heads, dtype=MLX.array(np.zeros(1), dtype, device).dtype)
    return matrix[0, :, distance, 0]


ATTENTION: tuple[Experiment, ...] = (
    chosen(MLX, "core.fast.scaled_dot_product_attention(scale)", "attend_chosen", _scaled),
    grouped(MLX, "core.fast.scaled_dot_product_attention(grouped)", _grouped),
    *edges(MLX, "core.fast.scaled_dot_product_attention", _attend),
    rotary(MLX, "nn.RoPE", _rotate),
    alibi(MLX, "nn.ALiBi", _biases),
    attention(
        MLX,
        "core.fast.scaled_dot_product_attention",
        _attend,
        unsupported={"float64": "the softmax is taken in float32, in which MLX computes"},
    ),
)
