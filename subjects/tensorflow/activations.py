"""tf.nn's activations, with the derivative that a gradient tape finds."""

from typing import Any

from varlaw.subjects.activations import Function, Functions
from varlaw.subjects.subject import Activation
from varlaw.subjects.tensorflow.framework import TENSORFLOW, tf


def _differentiate(call: Function, x: Any) -> tuple[Any, Any]:
    with tf().GradientTape() as tape:
        tape.watch(x)
        y = call(x)
    return y, tape.gradient(y, x)


_row = Functions(TENSORFLOW, "nn", lambda: tf().nn, _differentiate).row
_math = Functions(TENSORFLOW, "math", lambda: tf().math, _differentiate).row

ACTIVATIONS: tuple[Activation, ...] = (
    _row("relu"),
    _row("leaky_relu", "leaky_relu:0.2"),
    _row("elu"),
    _row("selu"),
    _row("gelu"),
    _row("gelu", "gelu_tanh", "gelu(tanh)", approximate=True),
    _row("silu"),
    _row("softplus"),
    _row("softsign"),
    _row("relu6"),
    _row("sigmoid"),
    _row("tanh"),
    _math("log_sigmoid", "logsigmoid"),
)
