"""flax's PReLU in linen and nnx, which starts at a slope of 0.01, with the derivative that jax.vjp finds."""

from typing import Any

from varlaw.subjects.activations import activation
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.activations import differentiate
from varlaw.subjects.subject import Activation


def _linen(x: Any) -> Any:
    import jax
    from flax import linen

    return linen.PReLU(param_dtype=x.dtype).init_with_output(jax.random.key(0), x)[0]


def _nnx(x: Any) -> Any:
    from flax import nnx

    return nnx.PReLU(param_dtype=x.dtype)(x)


ACTIVATIONS: tuple[Activation, ...] = tuple(
    activation(FLAX, f"{room}.PReLU(0.01)", "prelu:0.01", call, differentiate)
    for room, call in (("linen", _linen), ("nnx", _nnx))
)
