"""transformers.activations: the table ACT2FN that configurations name their activations from; gated feed-forwards."""

import importlib
from types import SimpleNamespace
from typing import Any

from varlaw.subjects.gating import gated
from varlaw.subjects.subject import Activation, Experiment
from varlaw.subjects.torch.activations import activation, differentiate
from varlaw.subjects.torchvision import stub_torchvision
from varlaw.subjects.transformers.framework import TRANSFORMERS

# Name in ACT2FN -> what its documentation says it is.
_FUNCTIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "silu": "silu",
    "swish": "silu",
    "mish": "mish",
    "relu": "relu",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "prelu": "prelu",
    "hardswish": "hardswish",
    "linear": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
}


def _row(name: str, function: str) -> Activation:
    def call(torch: Any, x: Any) -> Any:
        from transformers.activations import ACT2FN

        return ACT2FN[name].to(x.dtype)(x)

    return activation(f"activations.{name}", function, call, framework=TRANSFORMERS)


ACTIVATIONS: tuple[Activation, ...] = tuple(_row(*item) for item in _FUNCTIONS.items())


def _gated(kind: str, activation: str, act: str) -> Experiment:
    """The feed-forward of a model type: its first maps hand on half of what they are given, its last map all."""

    def call(x: Any) -> Any:
        import torch

        stub_torchvision()
        room = importlib.import_module(f"transformers.models.{kind.lower()}.modeling_{kind.lower()}")
        both = x.shape[-1]
        sizes = SimpleNamespace(
            hidden_size=both, intermediate_size=both // 2, mlp_bias=False, hidden_act=act, hidden_activation=act
        )
        layer = getattr(room, f"{kind}MLP")(sizes).to(x).requires_grad_(False)
        layer.gate_proj.weight, layer.up_proj.weight = map(torch.nn.Parameter, torch.eye(both).to(x).chunk(2))
        layer.down_proj = torch.nn.Identity()
        return layer(x)

    return gated(TRANSFORMERS, f"models.{kind}MLP", activation, call, differentiate, gate_first=True)


GATED: tuple[Experiment, ...] = (
    _gated("Llama", "silu", "silu"),
    _gated("Gemma", "gelu_tanh", "gelu_pytorch_tanh"),
)
