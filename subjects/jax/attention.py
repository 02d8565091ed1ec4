"""jax.nn.dot_product_attention."""

from typing import Any

from varlaw.subjects.attending import attention, chosen, edges, grouped
from varlaw.subjects.jax.framework import JAX
from varlaw.subjects.subject import Case, Experiment


def _attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
    import jax

    q, k, v = (x[:, :, None] for x in (q, k, v))  # one head
    return jax.nn.dot_product_attention(q, k, v, mask=None if mask is None else mask[None, None], is_causal=causal)


def _scaled(q: Any, k: Any, v: Any, bias: Any, case: Case) -> Any:
    import jax

    q, k, v = (x[:, :, None] for x in (q, k, v))
    added = None if bias is None else JAX.array(bias[None, None], q.dtype.name, "cpu")
    return jax.nn.dot_product_attention(q, k, v, added, scale=case["scale"])


def _grouped(q: Any, k: Any, v: Any) -> Any:
    import jax

    heads_last = (x.swapaxes(0, 1)[None] for x in (q, k, v))
    return jax.nn.dot_product_attention(*heads_last)[0].swapaxes(0, 1)


ATTENTION: tuple[Experiment, ...] = (
    attention(JAX, "nn.dot_product_attention", _attend),
    grouped(JAX, "nn.dot_product_attention(grouped)", _grouped),
    chosen(JAX, "nn.dot_product_attention(scale)", "attend_chosen", _scaled),
    *edges(JAX, "nn.dot_product_attention", _attend),
)
