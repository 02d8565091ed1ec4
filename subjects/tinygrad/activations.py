"""tinygrad's activations, methods of its Tensor, with the derivative that `Tensor.gradient` finds."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.activations import activation
from varlaw.subjects.subject import Activation
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED


def _differentiate(call: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    y = call(x)
    return y, y.sum().gradient(x)[0]


def _row(name: str, function: str = "", title: str = "", *arguments: Any) -> Activation:
    def call(x: Any) -> Any:
        return getattr(x, name)(*arguments)

    return activation(TINYGRAD, f"Tensor.{title or name}", function or name, call, _differentiate, UNSUPPORTED)


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
