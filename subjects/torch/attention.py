"""torch's attention: the function on each backend of the CPU, and the module with weights and without."""

from typing import Any

import numpy as np

from varlaw.subjects.attending import Attend, Chosen, Grouped, attention, chosen, edges, grouped
from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.framework import TORCH, tensor


def _function(backend: str) -> Attend:
    def attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
        import torch

        kernel = torch.nn.attention.sdpa_kernel(getattr(torch.nn.attention.SDPBackend, backend))
        seen = None if mask is None else torch.from_numpy(mask).to(q.device)
        q, k, v = (x[None] for x in (q, k, v))  # a batch of one head
        with kernel:
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, is_causal=causal)

    return attend


def _scaled(backend: str) -> Chosen:
    def attend(q: Any, k: Any, v: Any, bias: Any, case: Case) -> Any:
        import torch

        kernel = torch.nn.attention.sdpa_kernel(getattr(torch.nn.attention.SDPBackend, backend))
        mask = None if bias is None else tensor(bias, str(q.dtype).removeprefix("torch."), str(q.device))
        q, k, v = (x[None] for x in (q, k, v))
        with kernel:
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=case["scale"])

    return attend


def _grouped(backend: str) -> Grouped:
    def attend(q: Any, k: Any, v: Any) -> Any:
        import torch

        with torch.nn.attention.sdpa_kernel(getattr(torch.nn.attention.SDPBackend, backend)):
            return torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None], enable_gqa=True)

    return attend


def _flex(q: Any, k: Any, v: Any, bias: Any, case: Case) -> Any:
    """flex_attention as it is written out, whose caller bends each logit."""
    import torch
    from torch.nn.attention.flex_attention import flex_attention

    def capped(logit: Any, *place: Any) -> Any:
        return case["cap"] * torch.tanh(logit / case["cap"])

    q, k, v = (x[None] for x in (q, k, v))
    return flex_attention(q, k, v, score_mod=capped, scale=case["scale"])


def _module(need_weights: bool) -> Attend:
    """One head whose projections are the identity; a mask says what is hidden."""

    def attend(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
        import torch

        d = q.shape[-1]
        layer = torch.nn.MultiheadAttention(d, 1, bias=False, batch_first=True, dtype=q.dtype, device=q.device)
        with torch.no_grad():
            layer.in_proj_weight.copy_(torch.eye(d, dtype=q.dtype).repeat(3, 1))
            layer.out_proj.weight.copy_(torch.eye(d, dtype=q.dtype))
        hidden = ~np.tril(np.ones((d, d), bool)) if causal else None if mask is None else ~mask
        given = None if hidden is None else torch.from_numpy(hidden).to(q.device)
        return layer(q, k, v, attn_mask=given, is_causal=causal, need_weights=need_weights)[0]

    return attend


_SDPA = "nn.functional.scaled_dot_product_attention"
EXPERIMENTS: tuple[Experiment, ...] = (
    attention(TORCH, "nn.functional.scaled_dot_product_attention(math)", _function("MATH")),
    attention(TORCH, "nn.functional.scaled_dot_product_attention(flash)", _function("FLASH_ATTENTION")),
    attention(TORCH, f"{_SDPA}(math, fewer queries)", _function("MATH"), queries=0.5),
    attention(TORCH, f"{_SDPA}(flash, fewer queries)", _function("FLASH_ATTENTION"), queries=0.5),
    grouped(TORCH, f"{_SDPA}(math, enable_gqa)", _grouped("MATH")),
    grouped(TORCH, f"{_SDPA}(flash, enable_gqa)", _grouped("FLASH_ATTENTION")),
    chosen(TORCH, f"{_SDPA}(math, scale)", "attend_chosen", _scaled("MATH")),
    chosen(TORCH, f"{_SDPA}(flash, scale)", "attend_chosen", _scaled("FLASH_ATTENTION")),
    chosen(TORCH, "nn.attention.flex_attention.flex_attention", "attend_capped", _flex, biased=False),
    *edges(TORCH, f"{_SDPA}(math)", _function("MATH")),
    *edges(TORCH, f"{_SDPA}(flash)", _function("FLASH_ATTENTION")),
    *edges(TORCH, "nn.MultiheadAttention(weights)", _module(True)),
    *edges(TORCH, "nn.MultiheadAttention(no weights)", _module(False)),
    attention(TORCH, "nn.MultiheadAttention(weights)", _module(True)),
    attention(TORCH, "nn.MultiheadAttention(no weights)", _module(False)),
)
