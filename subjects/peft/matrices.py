"""How the matrices of peft's adapters start, where the documentation states it."""

from collections.abc import Mapping
from typing import Any

from varlaw.subjects.boundary import Build
from varlaw.subjects.modules import default_dtype
from varlaw.subjects.peft.adapters import Fields, lora, rank, with_adapter
from varlaw.subjects.peft.framework import PEFT, config, network, peft
from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Array, Case, Sampler

# LoRA's reference implementation, and what calls itself Kaiming uniform after it: kaiming_uniform_ with a = sqrt(5).
_KAIMING, _ZEROS = "Uniform(1/sqrt(in_features))", "Constant(0)"


def _matrices(
    name: str, fields: Fields, tensors: Mapping[str, str], layer: str = "linear", variant: str = "", **more: Any
) -> Sampler:
    """A row for the parameters of an adapter whose names end like the keys of `tensors`."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
        adapted = with_adapter(network(layer, case, dtype), name, fields(case))
        there = dict(adapted.named_parameters()) | dict(adapted.named_buffers())
        return {short: _one(there, short) for short in tensors}

    return _sampler(f"{name}({variant or layer}, matrices)", build, tensors, **more)


def _one(there: Mapping[str, Any], short: str) -> Any:
    found = [x for name, x in there.items() if short in name.split(".")]
    if len(found) != 1:
        msg = f"{len(found)} tensors named {short}, but should be one"
        raise ValueError(msg)
    return found[0].detach()


def _sampler(label: str, build: Build, tensors: Mapping[str, str], **more: Any) -> Sampler:
    return sampler(PEFT, f"peft.{label}", "adapter", build, tensors, **more)


def _prompt(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
    import torch

    fields = {
        "num_virtual_tokens": case["out_features"],
        "token_dim": case["in_features"],
        "num_transformer_submodules": 1,
    }
    chosen = config("PromptTuningConfig", {"task_type": "CAUSAL_LM", **fields})
    with default_dtype(dtype):
        table = peft().PromptEmbedding(chosen, torch.nn.Embedding(8, case["in_features"]))
    return {"embedding": table.embedding.weight.detach()}


def _prefix(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
    fields = {"num_virtual_tokens": case["out_features"], "token_dim": case["in_features"], "num_layers": 2}
    chosen = config("PrefixTuningConfig", {"task_type": "CAUSAL_LM", "encoder_hidden_size": 8, **fields})
    with default_dtype(dtype):
        return {"embedding": peft().PrefixEncoder(chosen).embedding.weight.detach()}


def _encoder(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
    fields = {
        "num_virtual_tokens": case["out_features"],
        "token_dim": case["in_features"],
        "num_transformer_submodules": 1,
    }
    chosen = config("PromptEncoderConfig", {"task_type": "CAUSAL_LM", "encoder_hidden_size": 8, **fields})
    with default_dtype(dtype):
        return {"embedding": peft().PromptEncoder(chosen).embedding.weight.detach()}


_LORA = {"lora_A": _KAIMING, "lora_B": _ZEROS}

MATRICES: tuple[Sampler, ...] = (
    _matrices("LoraConfig", lora(), _LORA),
    _matrices("LoraConfig", lora(use_rslora=True), _LORA, variant="rslora"),
    _matrices("LoraConfig", lora(use_dora=True), _LORA, variant="dora"),
    _matrices("LoraConfig", lora(), {"lora_A": "Uniform(1/sqrt(9*in_features))", "lora_B": _ZEROS}, "conv2d"),
    _matrices("LoraConfig", lora(), {"lora_embedding_A": _ZEROS, "lora_embedding_B": "Normal(1)"}, "embedding"),
    _matrices(
        "LoraConfig", lora(init_lora_weights="gaussian"), {"lora_A": "Normal(1/rank)", "lora_B": _ZEROS},
        variant="gaussian",
    ),
    _matrices(
        "LoraConfig", lora(init_lora_weights="gaussian"), {"lora_A": "Normal(1/rank)", "lora_B": _ZEROS}, "conv2d",
        variant="gaussian conv2d",
    ),
    _matrices(
        "LoHaConfig", lambda c: {"r": c["rank"], "alpha": c["alpha"]},
        {"hada_w1_a": "Uniform(1/sqrt(rank))", "hada_w1_b": _KAIMING, "hada_w2_a": "Uniform(1/sqrt(rank))",
         "hada_w2_b": _ZEROS},
    ),
    _matrices("IA3Config", lambda c: {"feedforward_modules": []}, {"ia3_l": "Constant(1)"}),
    _matrices("DeloraConfig", rank(), {"delora_A": _KAIMING, "delora_B": _ZEROS}),
    _matrices("HiraConfig", rank(), {"hira_A": _KAIMING, "hira_B": _ZEROS}),
    _matrices(
        "HiraConfig", rank(init_weights="gaussian"), {"hira_A": "Normal(1/rank)", "hira_B": _ZEROS}, variant="gaussian"
    ),
    _matrices("LilyConfig", rank(), {"lily_A": _KAIMING, "lily_B": _ZEROS}),
    _matrices("PeanutConfig", rank(), {"peanut_A": "Uniform(1/sqrt(out_features))", "peanut_B": _ZEROS}),
    _matrices("SupertuningConfig", rank(), {"supertuning_lora_A": _KAIMING, "supertuning_lora_B": _ZEROS}),
    _matrices("FourierFTConfig", lambda c: {"n_frequency": 8}, {"fourierft_spectrum": "Normal(1)"}),
    _matrices(
        "C3AConfig", lambda c: {"block_size": 1, "init_weights": "gaussian"}, {"c3a_kernel": "Normal(1)"},
        variant="gaussian",
    ),
    _matrices("TinyLoraConfig", rank(init_weights="uniform"), {"tinylora_v": "Uniform(0.02)"}, variant="uniform"),
    _matrices("UniLoraConfig", rank(), {"unilora_theta_d": "Uniform(0.02)"}),
    _matrices(
        "VBLoRAConfig", rank(num_vectors=16, vector_length=1, topk=2),
        {"vblora_vector_bank": "Uniform(0.02)", "vblora_logits_A": "Normal(0.1)", "vblora_logits_B": "Normal(0.1)"},
    ),
    _matrices("VeraConfig", rank(), {"vera_lambda_d": "Constant(0.1)", "vera_lambda_b": _ZEROS}),
    _sampler("PromptTuningConfig(random)", _prompt, {"embedding": "Normal(1)"}),
    _sampler("PrefixTuningConfig", _prefix, {"embedding": "Normal(1)"}),
    _sampler("PromptEncoderConfig", _encoder, {"embedding": "Normal(1)"}),
)  # fmt: skip
