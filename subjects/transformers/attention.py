"""transformers: attention behind a soft cap (Gemma 2), rotary positions (Llama), linear biases, losses of routers."""

import importlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from varlaw.subjects.attending import alibi, chosen, rotary
from varlaw.subjects.subject import Case, Experiment, Floats
from varlaw.subjects.torch.framework import dtype_of
from varlaw.subjects.torchvision import stub_torchvision
from varlaw.subjects.transformers.framework import TRANSFORMERS


def modeling(family: str) -> Any:
    """The module of a family's models."""
    stub_torchvision()
    return importlib.import_module(f"transformers.models.{family}.modeling_{family}")


def _capped(q: Any, k: Any, v: Any, bias: Any, case: Case) -> Any:
    module = SimpleNamespace(num_key_value_groups=1, training=False)
    attend = modeling("gemma2").eager_attention_forward
    return attend(module, q[None], k[None], v[None], None, scaling=case["scale"], softcap=case["cap"])[0]


def _rotate(x: Any, first: int, base: float) -> Any:
    import torch

    llama = modeling("llama")
    config = importlib.import_module("transformers").LlamaConfig(
        hidden_size=x.shape[1], num_attention_heads=1, rope_parameters={"rope_type": "default", "rope_theta": base}
    )
    cos, sin = llama.LlamaRotaryEmbedding(config)(x, torch.arange(first, first + len(x))[None])
    return llama.apply_rotary_pos_emb(x[None, None], x[None, None], cos, sin)[0]


def _biases(family: str) -> Any:
    def biases(heads: int, distance: int, dtype: str, device: str) -> Any:
        import torch

        model = modeling(family)
        if family == "mpt":  # the last place is the query's
            return model.build_mpt_alibi_tensor(heads, distance + 1, device=device)[:, 0, 0].to(dtype_of(dtype))
        seen = torch.ones(1, distance + 1, dtype=torch.long, device=device)
        return model.build_alibi_tensor(seen, heads, dtype_of(dtype))[:, 0, distance]

    return biases


def _balance(family: str) -> Any:
    """The loss of equal probabilities, of tokens that go to `top_k` experts."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        n, loss = case["experts"], modeling(family).load_balancing_loss_func
        with TRANSFORMERS.place(dtype, device):
            logits = _equal(n, 1.0, dtype, device)
            if family == "switch_transformers":  # it is told probabilities, and the one expert of each token
                return {"balance": TRANSFORMERS.floats(loss(logits.softmax(-1)[None], _turns(n))).reshape(1)}
            return {"balance": TRANSFORMERS.floats(loss((logits,), n, case["top_k"])).reshape(1)}

    return run


def _z(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
    with TRANSFORMERS.place(dtype, device):
        logits = _equal(case["experts"], case["shift"], dtype, device)
        return {"z": TRANSFORMERS.floats(modeling("switch_transformers").router_z_loss_func(logits[None])).reshape(1)}


def _equal(experts: int, logit: float, dtype: str, device: str) -> Any:
    return TRANSFORMERS.array(np.full((4 * experts, experts), logit), dtype, device)


def _turns(experts: int) -> Any:
    import torch

    return torch.arange(4 * experts)[None] % experts


def _row(name: str, op: str, run: Any) -> Experiment:
    return Experiment(name=f"transformers.{name}", framework=TRANSFORMERS, op=op, run=run)


EXPERIMENTS: tuple[Experiment, ...] = (
    chosen(TRANSFORMERS, "gemma2.eager_attention_forward(softcap)", "attend_capped", _capped, biased=False),
    rotary(TRANSFORMERS, "llama.LlamaRotaryEmbedding", _rotate),
    alibi(TRANSFORMERS, "bloom.build_alibi_tensor", _biases("bloom")),
    alibi(TRANSFORMERS, "falcon.build_alibi_tensor", _biases("falcon")),
    alibi(TRANSFORMERS, "mpt.build_mpt_alibi_tensor", _biases("mpt")),
    *(
        _row(f"{family}.load_balancing_loss_func", "router", _balance(family))
        for family in ("mixtral", "qwen2_moe", "olmoe", "jamba", "gpt_oss", "dbrx")
    ),
    _row("switch_transformers.load_balancing_loss_func", "router_switch", _balance("switch_transformers")),
    _row("switch_transformers.router_z_loss_func", "router_z", _z),
)
