"""transformers' own initialisers, its transposed linear layer, and the rows that a resized embedding gets."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Array, Case, Sampler, Tensor
from varlaw.subjects.torch.framework import seeded
from varlaw.subjects.torch.layers import NN
from varlaw.subjects.torchvision import stub_torchvision
from varlaw.subjects.transformers.framework import TRANSFORMERS, quiet

Build = Callable[[Case, dict[str, Any]], Mapping[str, Array]]


def _sampler(name: str, op: str, build: Build, documented: Mapping[str, str], **more: Any) -> Sampler:
    tensors = tuple(Tensor(name=n, documented=law) for n, law in documented.items())
    return Sampler(
        name=f"transformers.{name}", framework=TRANSFORMERS, op=op, tensors=tensors, draws=seeded(build), **more
    )


def _initialiser(name: str, documented: str) -> Sampler:
    def build(case: Case, factory: dict[str, Any]) -> Mapping[str, Array]:
        import torch
        from transformers import initialization

        weight = torch.empty(NN.shape(case), **factory)
        getattr(initialization, name)(weight)
        return {"": weight}

    return _sampler(
        f"initialization.{name}", "fill_grouped_conv", build, {"": documented}, shape=NN.shape, measure=NN.measure
    )


def _conv1d(case: Case, factory: dict[str, Any]) -> Mapping[str, Array]:
    from transformers.pytorch_utils import Conv1D

    layer = Conv1D(case["out_features"], case["in_features"]).to(factory["dtype"])
    return {"weight": layer.weight.detach(), "bias": layer.bias.detach()}


_STD = 0.02


def _resized(mean_resizing: bool) -> Build:
    """Rows added to an embedding whose rows have mean 0 and the covariance 1 exactly: +- sqrt(d) times unit vectors."""

    def build(case: Case, factory: dict[str, Any]) -> Mapping[str, Array]:
        import torch

        stub_torchvision()
        from transformers import LlamaConfig, LlamaModel

        d = case["embedding_dim"]
        sizes = {"num_hidden_layers": 0, "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 4}
        config = LlamaConfig(vocab_size=2 * d, hidden_size=d, initializer_range=_STD, pad_token_id=None, **sizes)
        with quiet():
            model = LlamaModel(config).to(factory["dtype"])
            corners = torch.eye(d, dtype=factory["dtype"]) * d**0.5
            model.embed_tokens.weight.copy_(torch.cat([corners, -corners]))
            model.resize_token_embeddings(2 * d + case["num_embeddings"], mean_resizing=mean_resizing)
        return {"": model.embed_tokens.weight[2 * d :].detach().clone()}

    return build


INITIALISERS: tuple[Sampler, ...] = (
    _initialiser("lecun_normal_", "lecun_truncated(shape_fan_in)"),
    _initialiser("default_flax_embed_init_", "lecun_normal(shape_fan_in)"),
    _sampler("pytorch_utils.Conv1D", "linear", _conv1d, {"weight": f"Normal({_STD})", "bias": "Constant(0)"}),
    _sampler("resize_token_embeddings(mean_resizing)", "embedding", _resized(True), {"": "Normal(1)"}),
    _sampler("resize_token_embeddings", "embedding", _resized(False), {"": f"Normal({_STD})"}),
)
