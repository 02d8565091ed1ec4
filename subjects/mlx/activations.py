"""mlx.nn's activations and its gated unit, with the derivative that mlx.core.vjp finds."""

import importlib
from collections.abc import Callable
from typing import Any

from varlaw.subjects.activations import Functions, activation
from varlaw.subjects.gating import gated
from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.subject import Activation, Experiment


def _differentiate(call: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    import mlx.core as mx

    y = call(x)
    return y, mx.vjp(lambda v: call(v), (x,), (mx.ones_like(y),))[1][0]


_row = Functions(MLX, "nn", lambda: importlib.import_module("mlx.nn"), _differentiate).row


def _prelu(x: Any) -> Any:
    import mlx.nn

    layer = mlx.nn.PReLU()
    layer.set_dtype(x.dtype)
    return layer(x)


def _glu(x: Any) -> Any:
    import mlx.nn

    return mlx.nn.glu(x)


ACTIVATIONS: tuple[Activation, ...] = (
    _row("relu"),
    _row("leaky_relu"),
    _row("leaky_relu", "leaky_relu:0.2", "leaky_relu(0.2)", 0.2),
    _row("elu"),
    _row("celu", "celu:2.0", "celu(2)", 2.0),
    _row("selu"),
    _row("gelu"),
    _row("gelu_approx", "gelu_tanh"),
    _row("gelu_fast_approx", "quick_gelu"),
    _row("silu"),
    _row("mish"),
    _row("softplus"),
    _row("log_sigmoid", "logsigmoid"),
    _row("softsign"),
    _row("relu6"),
    _row("hardswish"),
    _row("sigmoid"),
    _row("tanh"),
    _row("softshrink"),
    _row("hard_shrink", "hardshrink"),
    _row("hard_tanh", "hardtanh"),
    activation(MLX, "nn.PReLU(0.25)", "prelu", _prelu, _differentiate),
)
GATED: tuple[Experiment, ...] = (gated(MLX, "nn.glu", "sigmoid", _glu, _differentiate),)
