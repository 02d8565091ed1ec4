"""paddle.nn.functional.scaled_dot_product_attention."""

from typing import Any

from varlaw.subjects.attending import attention, edges
from varlaw.subjects.paddle.framework import PADDLE, nn, top
from varlaw.subjects.subject import Experiment


def _attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
    q, k, v = (x.unsqueeze(2) for x in (q, k, v))  # one head
    seen = None if mask is None else top("to_tensor")(mask[None, None])
    return nn().functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, is_causal=causal)


_NO_16_BITS = dict.fromkeys(("bfloat16", "float16"), "the CPU has no such kernel")
ATTENTION: tuple[Experiment, ...] = (
    attention(PADDLE, "nn.functional.scaled_dot_product_attention", _attend),
    *edges(PADDLE, "nn.functional.scaled_dot_product_attention", _attend, unsupported=_NO_16_BITS),
)
