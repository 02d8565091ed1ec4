"""mlx.nn's activations, with the derivative that mlx.core.vjp finds."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.activations import activation
from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.subject import Activation


def _differentiate(call: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    import mlx.core as mx

    (y,), (slope,) = mx.vjp(lambda v: call(v), (x,), (mx.ones_like(x),))
    return y, slope


def _row(name: str, function: str = "", title: str = "", *arguments: Any) -> Activation:
    def call(x: Any) -> Any:
        import mlx.nn

        return getattr(mlx.nn, name)(x, *arguments)

    return activation(MLX, f"nn.{title or name}", function or name, call, _differentiate)


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
)
