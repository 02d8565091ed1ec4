"""tf.nn's activations, with the derivative that a gradient tape finds."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Activation, Floats
from varlaw.subjects.tensorflow.framework import TENSORFLOW, floats, place, tensor, tf


def _activation(name: str, function: str, call: Callable[[Any], Any]) -> Activation:
    def apply(x: Floats, dtype: str, device: str) -> Mapping[str, Any]:
        with place(dtype, device), tf().GradientTape() as tape:
            given = tensor(x, dtype)
            tape.watch(given)
            y = call(given)
        slope = tape.gradient(y, given)
        return {"output": floats(y), "dtype": y.dtype.name, "slope": floats(slope)}

    title = f"tensorflow.{name}"
    return Activation(name=title, framework=TENSORFLOW, op="activation", function=function, apply=apply)


def _row(name: str, function: str = "", title: str = "", **keywords: Any) -> Activation:
    return _activation(f"nn.{title or name}", function or name, lambda x: getattr(tf().nn, name)(x, **keywords))


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
    _activation("math.log_sigmoid", "logsigmoid", lambda x: tf().math.log_sigmoid(x)),
)
