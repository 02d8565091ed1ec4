"""equinox's PReLU, with the derivative that jax.vjp finds."""

from typing import Any

from varlaw.subjects.activations import activation
from varlaw.subjects.equinox.framework import EQUINOX
from varlaw.subjects.jax.activations import differentiate
from varlaw.subjects.subject import Activation


def _prelu(x: Any) -> Any:
    import equinox
    import jax.numpy as jnp

    return equinox.nn.PReLU(jnp.asarray(0.25, x.dtype))(x)


ACTIVATIONS: tuple[Activation, ...] = (activation(EQUINOX, "nn.PReLU(0.25)", "prelu", _prelu, differentiate),)
