"""jax.nn.dot_product_attention."""

from typing import Any

from varlaw.subjects.attending import attention
from varlaw.subjects.jax.framework import JAX
from varlaw.subjects.subject import Experiment


def _attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
    import jax

    q, k, v = (x[:, :, None] for x in (q, k, v))  # one head
    return jax.nn.dot_product_attention(q, k, v, mask=None if mask is None else mask[None, None], is_causal=causal)


ATTENTION: tuple[Experiment, ...] = (attention(JAX, "nn.dot_product_attention", _attend),)
