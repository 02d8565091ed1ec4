"""tinygrad's activations, methods of its Tensor, with the derivative that `Tensor.gradient` finds."""

import importlib
from collections.abc import Callable
from typing import Any

from varlaw.subjects.activations import Functions
from varlaw.subjects.subject import Activation
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED


def _differentiate(call: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    y = call(x)
    return y, y.sum().gradient(x)[0]


_row = Functions(
    TINYGRAD, "Tensor", lambda: importlib.import_module("tinygrad").Tensor, _differentiate, UNSUPPORTED
).row


ACTIVATIONS: tuple[Activation, ...] = (
    _row("relu"),
    _row("leaky_relu"),
    _row("leaky_relu", "leaky_relu:0.2", "leaky_relu(0.2)", 0.2),
    _row("elu"),
    _row("celu", "celu:2.0", "celu(2)", 2.0),
    _row("selu"),
    _row("gelu", "gelu_tanh"),
    _row("gelu", "gelu", "gelu(none)", "none"),
    _row("quick_gelu"),
    _row("silu"),
    _row("mish"),
    _row("softplus"),
    _row("logsigmoid"),
    _row("softsign"),
    _row("hardtanh"),
    _row("relu6"),
    _row("hardsigmoid"),
    _row("hardswish"),
    _row("sigmoid"),
    _row("tanh"),
    _row("erf"),
)
