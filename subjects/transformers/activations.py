"""transformers.activations: the table ACT2FN that configurations name their activations from."""

from typing import Any

from varlaw.subjects.subject import Activation
from varlaw.subjects.torch.activations import activation
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
