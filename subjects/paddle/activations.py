"""paddle.nn.functional's activations, gated units and maxout: the derivative that paddle.grad finds, and in place."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.activations import Functions, activation
from varlaw.subjects.gating import gated, maxout
from varlaw.subjects.paddle.framework import PADDLE, top
from varlaw.subjects.subject import Activation, Experiment

_NO_16_BITS = dict.fromkeys(("float16", "bfloat16"), "its activations have no kernels of 16 bits on the CPU")


def _differentiate(call: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    import paddle

    x.stop_gradient = False
    y = call(x)
    return y, paddle.grad(y.sum(), x)[0]


_IN_PLACE = ("relu", "leaky_relu", "elu", "hardtanh", "tanh", "sigmoid")
_row = Functions(PADDLE, "nn.functional", lambda: top("nn").functional, _differentiate, _NO_16_BITS, _IN_PLACE).row


def _prelu(x: Any) -> Any:
    import paddle

    layer = paddle.nn.PReLU()
    return layer.to(dtype=x.dtype)(x)


def _glu(x: Any) -> Any:
    import paddle

    return paddle.nn.functional.glu(x)


def _swiglu(x: Any) -> Any:
    import paddle

    return paddle.incubate.nn.functional.swiglu(x)


def _maxout(x: Any, pieces: int) -> Any:
    import paddle

    return paddle.nn.functional.maxout(x[:, :, None, None], pieces)[:, :, 0, 0]


ACTIVATIONS: tuple[Activation, ...] = (
    _row("relu"),
    _row("leaky_relu"),
    _row("leaky_relu", "leaky_relu:0.2", "leaky_relu(0.2)", 0.2),
    _row("elu"),
    _row("celu", "celu:2.0", "celu(2)", 2.0),
    _row("selu"),
    _row("gelu"),
    _row("gelu", "gelu_tanh", "gelu(tanh)", approximate=True),
    _row("silu"),
    _row("mish"),
    _row("softplus"),
    _row("log_sigmoid", "logsigmoid"),
    _row("softsign"),
    _row("tanhshrink"),
    _row("hardtanh"),
    _row("relu6"),
    _row("hardsigmoid"),
    _row("hardswish"),
    _row("sigmoid"),
    _row("tanh"),
    activation(PADDLE, "nn.PReLU(0.25)", "prelu", _prelu, _differentiate, _NO_16_BITS),
)
GATED: tuple[Experiment, ...] = (
    gated(PADDLE, "nn.functional.glu", "sigmoid", _glu, _differentiate),
    gated(PADDLE, "incubate.nn.functional.swiglu", "silu", _swiglu, _differentiate, gate_first=True),
    maxout(PADDLE, "nn.functional.maxout", _maxout),
)
