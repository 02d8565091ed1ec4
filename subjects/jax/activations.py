"""jax.nn's activations and its gated unit, with the derivative that jax.vjp finds."""

import importlib
from collections.abc import Callable
from typing import Any

from varlaw.subjects.activations import Functions
from varlaw.subjects.gating import gated
from varlaw.subjects.jax.framework import JAX
from varlaw.subjects.subject import Activation, Experiment


def differentiate(call: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    y, backward = jax.vjp(call, x)
    return y, backward(jnp.ones_like(y))[0]


_row = Functions(JAX, "nn", lambda: importlib.import_module("jax.nn"), differentiate).row


ACTIVATIONS: tuple[Activation, ...] = (
    _row("relu"),
    _row("leaky_relu"),
    _row("leaky_relu", "leaky_relu:0.2", "leaky_relu(0.2)", negative_slope=0.2),
    _row("elu"),
    _row("celu", "celu:2.0", "celu(2)", alpha=2.0),
    _row("selu"),
    _row("gelu", "gelu_tanh"),
    _row("gelu", "gelu", "gelu(exact)", approximate=False),
    _row("silu"),
    _row("mish"),
    _row("softplus"),
    _row("log_sigmoid", "logsigmoid"),
    _row("soft_sign", "softsign"),
    _row("hard_tanh", "hardtanh"),
    _row("relu6"),
    _row("hard_sigmoid", "hardsigmoid"),
    _row("hard_silu", "hardswish"),
    _row("sigmoid"),
)


def _glu(x: Any) -> Any:
    import jax

    return jax.nn.glu(x)


GATED: tuple[Experiment, ...] = (gated(JAX, "nn.glu", "sigmoid", _glu, differentiate),)
