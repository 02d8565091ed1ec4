"""flax's attention functions, linen's and nnx's; what is causal is a mask that its `make_causal_mask` writes."""

import importlib
from typing import Any

from varlaw.subjects.attending import Attend, attention, edges
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.subject import Experiment


def _attend(module: str) -> Attend:
    def attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
        import jax.numpy as jnp

        nn = importlib.import_module(module)
        q, k, v = (x[:, :, None] for x in (q, k, v))  # one head
        seen = nn.make_causal_mask(jnp.ones(q.shape[:2])) if causal else None if mask is None else mask[None, None]
        return nn.dot_product_attention(q, k, v, mask=seen)

    return attend


ATTENTION: tuple[Experiment, ...] = (
    attention(FLAX, "linen.dot_product_attention(weights)", _attend("flax.linen")),
    attention(FLAX, "nnx.dot_product_attention(weights)", _attend("flax.nnx")),
    *edges(FLAX, "linen.dot_product_attention", _attend("flax.linen")),
    *edges(FLAX, "nnx.dot_product_attention", _attend("flax.nnx")),
)
