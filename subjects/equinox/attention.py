"""equinox.nn.RotaryPositionalEmbedding, whose positions count from 0."""

from typing import Any

from varlaw.subjects.attending import rotary
from varlaw.subjects.equinox.framework import EQUINOX
from varlaw.subjects.subject import Experiment


def _rotate(x: Any, first: int, base: float) -> Any:
    import equinox as eqx
    import jax.numpy as jnp

    padded = jnp.concatenate([jnp.zeros((first, x.shape[1]), x.dtype), x])
    return eqx.nn.RotaryPositionalEmbedding(x.shape[1], theta=base, dtype=x.dtype)(padded)[first:]


POSITIONS: tuple[Experiment, ...] = (rotary(EQUINOX, "nn.RotaryPositionalEmbedding", _rotate),)
