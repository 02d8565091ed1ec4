"""equinox: weight and spectral normalisation; WeightNorm keeps the length as `g`."""

from typing import Any

from varlaw.subjects.equinox.framework import EQUINOX
from varlaw.subjects.jax.weight_norms import weight_norms
from varlaw.subjects.subject import Normaliser


def _linear(w: Any) -> Any:
    import equinox as eqx
    import jax

    layer = eqx.nn.Linear(*w.shape[::-1], use_bias=False, dtype=w.dtype, key=jax.random.key(0))
    return eqx.tree_at(lambda m: m.weight, layer, w)


def _direction(w: Any, key: Any) -> Any:
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    normed = eqx.nn.WeightNorm(_linear(w))
    normed = eqx.tree_at(lambda m: m.g, normed, jnp.ones_like(normed.g))
    return jax.vmap(normed)(jnp.eye(w.shape[1], dtype=w.dtype)).T


def _spectral(w: Any, key: Any) -> Any:
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    make = eqx.nn.make_with_state(eqx.nn.SpectralNorm)
    normed, state = make(_linear(w), "weight", key=key)
    one = lambda x: normed(x, state)[0]  # noqa: E731 - one step, on every input alike
    return jax.vmap(one)(jnp.eye(w.shape[1], dtype=w.dtype)).T


NORMALISERS: tuple[Normaliser, ...] = weight_norms(EQUINOX, "equinox.nn", _direction, _spectral)
