"""transformers' own initialisers, its transposed linear layer, and the rows that a resized embedding gets."""

from collections.abc import Mapping

from varlaw.subjects.boundary import Build
from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Array, Case, Sampler
from varlaw.subjects.torch.framework import dtype_of, factory
from varlaw.subjects.torch.layers import NN
from varlaw.subjects.torchvision import stub_torchvision
from varlaw.subjects.transformers.framework import TRANSFORMERS, quiet


def _initialiser(name: str, documented: str) -> Sampler:
    def build(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
        import torch
        from transformers import initialization

        weight = torch.empty(NN.shape(case), **factory(dtype, device))
        getattr(initialization, name)(weight)
        return {"": weight}

    op = "fill_grouped_conv"
    return sampler(TRANSFORMERS, f"transformers.initialization.{name}", op, build, {"": documented}, **NN.filled(op))


def _truncated(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
    import torch
    from transformers import initialization

    low, high = (case["mean"] + end * case["std"] for end in (case["low"], case["high"]))
    weight = torch.empty(case["shape"], dtype=dtype_of(dtype))
    initialization.trunc_normal_(weight, mean=case["mean"], std=case["std"], a=low, b=high)
    return {"": weight}


def _conv1d(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
    from transformers.pytorch_utils import Conv1D

    layer = Conv1D(case["out_features"], case["in_features"]).to(dtype_of(dtype))
    return {"weight": layer.weight.detach(), "bias": layer.bias.detach()}


_STD = 0.02


def _resized(mean_resizing: bool) -> Build:
    """Rows added to an embedding whose rows have mean 0 and the covariance 1 exactly: +- sqrt(d) times unit vectors."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
        import torch

        stub_torchvision()
        from transformers import LlamaConfig, LlamaModel

        d = case["embedding_dim"]
        sizes = {"num_hidden_layers": 0, "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 4}
        config = LlamaConfig(vocab_size=2 * d, hidden_size=d, initializer_range=_STD, pad_token_id=None, **sizes)
        with quiet():
            model = LlamaModel(config).to(dtype_of(dtype))
            corners = torch.eye(d, dtype=dtype_of(dtype)) * d**0.5
            model.embed_tokens.weight.copy_(torch.cat([corners, -corners]))
            model.resize_token_embeddings(2 * d + case["num_embeddings"], mean_resizing=mean_resizing)
        return {"": model.embed_tokens.weight[2 * d :].detach().clone()}

    return build


INITIALISERS: tuple[Sampler, ...] = (
    _initialiser("lecun_normal_", "lecun_truncated(shape_fan_in)"),
    _initialiser("default_flax_embed_init_", "lecun_normal(shape_fan_in)"),
    sampler(
        TRANSFORMERS,
        "transformers.initialization.trunc_normal_",
        "draw_truncated",
        _truncated,
        {"": "TruncatedNormal(std, low, high, mean)"},
    ),
    sampler(
        TRANSFORMERS,
        "transformers.pytorch_utils.Conv1D",
        "linear",
        _conv1d,
        {"weight": f"Normal({_STD})", "bias": "Constant(0)"},
    ),
    sampler(
        TRANSFORMERS,
        "transformers.resize_token_embeddings(mean_resizing)",
        "embedding",
        _resized(True),
        {"": "Normal(1)"},
    ),
    sampler(
        TRANSFORMERS, "transformers.resize_token_embeddings", "embedding", _resized(False), {"": f"Normal({_STD})"}
    ),
)
