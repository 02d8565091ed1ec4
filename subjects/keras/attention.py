"""keras.ops.dot_product_attention and keras.layers.Attention; sparsemax, which weighs as softmax does."""

from typing import Any

import numpy as np

from varlaw.subjects.attending import attention, chosen, edges, grouped
from varlaw.subjects.keras.framework import KERAS, keras
from varlaw.subjects.projecting import simplex
from varlaw.subjects.subject import Case, Experiment


def _function(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
    q, k, v = (keras().ops.expand_dims(x, 2) for x in (q, k, v))  # one head
    seen = None if mask is None else keras().ops.convert_to_tensor(mask[None, None])
    return keras().ops.dot_product_attention(q, k, v, mask=seen, is_causal=causal)


def _scaled(q: Any, k: Any, v: Any, bias: Any, case: Case) -> Any:
    q, k, v = (keras().ops.expand_dims(x, 2) for x in (q, k, v))
    added = None if bias is None else keras().ops.convert_to_tensor(bias[None, None], dtype=q.dtype)
    return keras().ops.dot_product_attention(q, k, v, bias=added, scale=case["scale"])


def _grouped(q: Any, k: Any, v: Any) -> Any:
    heads_last = (keras().ops.transpose(x, (1, 0, 2))[None] for x in (q, k, v))
    return keras().ops.transpose(keras().ops.dot_product_attention(*heads_last)[0], (1, 0, 2))


def _layer(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
    """Of unscaled logits, which are given their scale here; keys are hidden by a causal mask only."""
    layer = keras().layers.Attention(dtype=q.dtype)
    scaled = q / q.shape[-1] ** 0.5
    if mask is None:
        return layer([scaled, v, k], use_causal_mask=causal)
    rows = [
        layer([scaled[:, i : i + 1], v, k], mask=[None, keras().ops.convert_to_tensor(np.asarray(mask)[None, i])])
        for i in range(len(mask))
    ]
    return keras().ops.concatenate(rows, axis=1)


def _sparsemax(x: Any, scale: float) -> Any:
    return keras().activations.sparsemax(x[None])[0]


SIMPLEX: tuple[Experiment, ...] = (simplex(KERAS, "activations.sparsemax", _sparsemax),)

ATTENTION: tuple[Experiment, ...] = (
    attention(KERAS, "ops.dot_product_attention", _function),
    attention(KERAS, "layers.Attention(weights)", _layer),
    grouped(KERAS, "ops.dot_product_attention(grouped)", _grouped),
    chosen(KERAS, "ops.dot_product_attention(scale)", "attend_chosen", _scaled),
    *edges(KERAS, "ops.dot_product_attention", _function),
    *edges(KERAS, "layers.Attention", _layer),
)
