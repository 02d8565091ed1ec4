"""keras.activations, PReLU and the gated unit, with the derivative that the backend of this process finds."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from varlaw.subjects.activations import Functions, activation
from varlaw.subjects.gating import gated
from varlaw.subjects.keras.framework import KERAS, OnBackend, keras
from varlaw.subjects.subject import Activation, Experiment

Call = Callable[[Any], Any]


def _torch(call: Call, x: Any) -> tuple[Any, Any]:
    torch = importlib.import_module("torch")
    with torch.enable_grad():
        y = call(given := x.detach().requires_grad_())
        return y.detach(), torch.autograd.grad(y.sum(), given)[0]


def _jax(call: Call, x: Any) -> tuple[Any, Any]:
    jax = importlib.import_module("jax")
    y, backward = jax.vjp(call, x)
    return y, backward(jax.numpy.ones_like(y))[0]


def _tensorflow(call: Call, x: Any) -> tuple[Any, Any]:
    with importlib.import_module("tensorflow").GradientTape() as tape:
        tape.watch(x)
        y = call(x)
    return y, tape.gradient(y, x)


_NARROW = OnBackend(jax={"float64": "keras.ops.tanh returns float32 for float64 on JAX, also where that has 64 bits"})
_DIFFERENTIATE = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}


def _differentiate(call: Call, x: Any) -> tuple[Any, Any]:
    return _DIFFERENTIATE[keras().backend.backend()](call, x)


_row = Functions(KERAS, "activations", lambda: keras().activations, _differentiate).row


def _prelu(x: Any) -> Any:
    start = keras().initializers.Constant(0.25)  # zeros by default: ReLU's own
    return keras().layers.PReLU(start, dtype=keras().backend.standardize_dtype(x.dtype))(x)


ACTIVATIONS: tuple[Activation, ...] = (
    _row("relu"),
    _row("leaky_relu", "leaky_relu:0.2"),
    _row("elu"),
    _row("elu", "elu:0.5", "elu(0.5)", alpha=0.5),
    _row("celu", "celu:2.0", "celu(2)", alpha=2.0),
    _row("selu"),
    _row("gelu"),
    _row("gelu", "gelu_tanh", "gelu(tanh)", approximate=True),
    _row("silu"),
    _row("mish"),
    _row("softplus"),
    _row("log_sigmoid", "logsigmoid"),
    _row("softsign"),
    _row("tanh_shrink", "tanhshrink"),
    _row("hard_tanh", "hardtanh"),
    _row("relu6"),
    _row("hard_sigmoid", "hardsigmoid"),
    _row("hard_silu", "hardswish"),
    _row("hard_shrink", "hardshrink"),
    _row("soft_shrink", "softshrink"),
    replace(_row("tanh"), unsupported=_NARROW),
    _row("sigmoid"),
    activation(KERAS, "layers.PReLU(0.25)", "prelu", _prelu, _differentiate),
)
GATED: tuple[Experiment, ...] = (
    gated(KERAS, "activations.glu", "sigmoid", lambda x: keras().activations.glu(x), _differentiate),
)
