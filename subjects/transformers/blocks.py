"""GPT-2 and Llama by depth, narrow, as their configurations build them."""

import functools
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.blocks import Stack, blocks
from varlaw.subjects.torchvision import stub_torchvision
from varlaw.subjects.transformers.framework import TRANSFORMERS, quiet

_EPS = 1e-12  # of the norms, beside a stream of any size
_NO_TOKENS: dict[str, Any] = {"vocab_size": 1, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def _std(case: Case) -> float:
    """The `initializer_range` with which a map of the width has the case's gain."""
    return float((case["gain"] / case["width"]) ** 0.5)


def _built(model: str, fields: dict[str, Any], on: dict[str, Any]) -> Any:
    """A fresh model, whose last norm is left out."""
    stub_torchvision()
    import transformers

    config = getattr(transformers, f"{model}Config")(**_NO_TOKENS, **fields)
    with quiet(), default_dtype(str(on["dtype"]).removeprefix("torch.")):
        return getattr(transformers, f"{model}Model")(config).to(on["device"]).requires_grad_(False)


def _stream(model: Any, x: Any) -> Any:
    return model(inputs_embeds=x, use_cache=False).last_hidden_state


def gpt2(t: Any, c: Case, on: dict[str, Any]) -> Stack:
    """A fresh GPT-2, whose last maps are divided already."""
    fields = {
        "n_layer": c["layers"], "n_embd": c["width"], "n_head": 2, "n_positions": 1, "initializer_range": _std(c),
        "layer_norm_epsilon": _EPS, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
    }  # fmt: skip
    model = _built("GPT2", fields, on)
    model.ln_f = t.nn.Identity()
    last = [part.c_proj.weight for block in model.h for part in (block.attn, block.mlp)]
    return Stack(functools.partial(_stream, model), last, scaled=True)


def llama(t: Any, c: Case, on: dict[str, Any]) -> Stack:
    """A fresh Llama."""
    fields = {
        "num_hidden_layers": c["layers"], "hidden_size": c["width"], "num_attention_heads": 2,
        "intermediate_size": 2 * c["width"], "initializer_range": _std(c), "rms_norm_eps": _EPS,
    }  # fmt: skip
    model = _built("Llama", fields, on)
    model.norm = t.nn.Identity()
    last = [w for block in model.layers for w in (block.self_attn.o_proj.weight, block.mlp.down_proj.weight)]
    return Stack(functools.partial(_stream, model), last, scaled=False)


BLOCKS: tuple[Experiment, ...] = (
    blocks("GPT2Model(by depth)", "gpt2_stream", gpt2, TRANSFORMERS),
    blocks("LlamaModel(by depth)", "llama_stream", llama, TRANSFORMERS),
)
