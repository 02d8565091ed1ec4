"""Tiny configurations: every size field of a configuration class is made small, by its name.

Fields are found on a default instance, so a family that comes tomorrow is shrunk as well; what the names do not tell,
or where sizes must agree with each other, stands in `OVERRIDES` of `families`.
"""

import re
from collections.abc import Mapping
from typing import Any

from varlaw.subjects.transformers.framework import token

# First match counts; a field is never made larger.
_RULES = (
    (r".*codebook_(size|dim)", 64),
    (r"type_vocab_size", 2),
    (r"(.*_)?vocab_size(_.*)?|n_vocab|num_embeddings", 101),
    (r"(.*_)?(num_)?(key_value|kv)_heads|num_.*kv.*heads|multi_query_group_num", 2),
    (r"(.*_)?n_heads?|(.*_)?heads|num_.*attention_heads.*", 4),
    (r"(.*_)?head_(dim|size|width)|.*head_size|d_kv|d_head|kv_channels", 8),
    (r"(.*_)?n?_?layers?|(.*_)?num_.*layers|n_layers?|.*blocks|(.*_)?depth", 2),
    (r"(.*_)?intermediate_(size|dim).*|d_ff|d_inner|n_inner|(.*_)?ffn_dim.*|.*ffn_hidden.*|mlp_dim", 48),
    (r"dim_feedforward|.*feedforward_dim|.*inner_(dim|size)|.*mlp_hidden.*|.*ffn_size", 48),
    (r"(.*_)?hidden_sizes?(_.*)?|(.*_)?d_model|n_embd|(.*_)?dim|(.*_)?embedding_size|d_embed|.*embed.*dim.*", 32),
    (r".*hidden_channels|.*_width|.*_channels", 32),
    (r"(.*_)?(image|img|crop)_size", 32),
    (r"(.*_)?patch_size", 8),
    (r"n_positions|.*max_.*positions?.*|(.*_)?max_length|max_seq.*|n_ctx|.*num_positions", 64),
    (r".*num_.*experts|num_experts|n_routed_experts", 4),
    (r".*experts_per_tok|num_selected_experts|.*moe_top_?k|moe_k|.*expert_top_?k", 2),
    (r".*lora_rank|.*_rank|.*lora_dim|.*mem_size", 16),
)  # fmt: skip
_KEEP = re.compile(
    r".*num_channels|in_chan(nel)?s|n_group|topk_group|num_labels|.*shared_experts|.*input_channels|audio_channels"
    r"|first_k_dense_replace|.*_per_.*layers?|.*qk_rope.*|sliding_window.*|.*num_nextn.*|num_feat_extract_layers"
    r"|.*num_conv_layers|.*heads_ratio|num_conv_pos_embedding.*"
)
_TOKENS = re.compile(r".*_token_(id|index|ids)|.*token_idx|pad_index|.*_id")
_DEPTHS = re.compile(r".*depths?|num_hidden_layers|.*_blocks|.*layers")
_WIDTHS = re.compile(r".*dims?|.*sizes|.*channels|.*hidden_size|embed_dims?|.*filters|.*widths?")
_COMPILED = tuple((re.compile(rule), value) for rule, value in _RULES)


def tiny(config_class: Any, overrides: Mapping[str, Any], default: Any = None) -> Any:
    """A fresh tiny configuration; `overrides` are fields of it, `a.b` of its sub-configuration a."""
    from transformers import PreTrainedConfig

    default = config_class() if default is None else default
    small: dict[str, Any] = {}
    for name, value in vars(default).items():
        if isinstance(value, PreTrainedConfig):
            small[name] = tiny(type(value), _below(overrides, name), value)
        elif not name.startswith("_") and (shrunk := _shrunk(name, value)) is not None and shrunk != value:
            small[name] = shrunk
    return config_class(**{**small, **{k: v for k, v in overrides.items() if "." not in k}})


def _below(overrides: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {k.removeprefix(f"{name}."): v for k, v in overrides.items() if k.startswith(f"{name}.")}


def _shrunk(name: str, value: Any) -> Any:
    """The small value of a field, None where it is no size."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return _number(name, value)
    if isinstance(value, list | tuple) and value and all(type(x) is int for x in value):
        return _sequence(name, value)
    return None


def _number(name: str, value: int) -> int | None:
    if _TOKENS.fullmatch(name):
        return value if value < 16 else token(name)
    if _KEEP.fullmatch(name) or value <= 0:
        return None
    return next((min(small, value) for rule, small in _COMPILED if rule.fullmatch(name)), None)


def _sequence(name: str, value: Any) -> Any:
    if _TOKENS.fullmatch(name):
        return type(value)(x if x < 16 else token(f"{name}{i}") for i, x in enumerate(value))
    if _DEPTHS.fullmatch(name):
        return type(value)(min(x, 2) for x in value)
    if _WIDTHS.fullmatch(name) and max(value) > 48:
        return type(value)(max(8, int(48 * x / max(value)) // 8 * 8) for x in value)
    return None


def rescale(config: Any, factor: float) -> None:
    """Multiply the documented standard deviation, in the configuration and in all below it."""
    from transformers import PreTrainedConfig

    for name in ("initializer_range", "init_std"):
        value = vars(config).get(name)
        if isinstance(value, float):
            setattr(config, name, value * factor)
    for value in vars(config).values():
        if isinstance(value, PreTrainedConfig):
            rescale(value, factor)
