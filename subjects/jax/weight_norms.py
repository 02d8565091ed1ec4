"""Weights that a layer divides by their norm: weight normalisation at a length of 1, and spectral normalisation.

The weight that the layer computes with is read off its output on the identity matrix. Spectral normalisation is looked
at after one training step, from the start vectors of one key.
"""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.jax.framework import array, floats, key_of, place
from varlaw.subjects.subject import Floats, Framework, Normaliser

Weight = Callable[[Any, Any], Any]  # (weight of shape (outputs, inputs), key) -> the one that the layer computes with


def normaliser(of: Framework, name: str, op: str, divide: Weight) -> Normaliser:
    """A row for `divide(x, key)`, on JAX arrays."""

    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        with place(dtype, device):
            return floats(divide(array(x, dtype), key_of(seed)))

    return Normaliser(name=name, framework=of, op=op, apply=apply)


def _rows(of: Framework, prefix: str, direction: Weight, spectral: Weight) -> tuple[Normaliser, ...]:
    """A vector is the weight of a layer of one output."""
    return (
        normaliser(of, f"{prefix}.WeightNorm(direction)", "normalise", lambda x, key: direction(x[None], key)[0]),
        normaliser(of, f"{prefix}.SpectralNorm(step)", "spectral", spectral),
    )


def _linen(wrapper: str, **call: Any) -> Weight:
    def weight(w: Any, key: Any) -> Any:
        import flax.linen as nn
        import jax.numpy as jnp

        kind = {"param_dtype": w.dtype}
        layer = getattr(nn, wrapper)(nn.Dense(w.shape[0], use_bias=False, **kind), **kind)
        inputs = jnp.eye(w.shape[1], dtype=w.dtype)
        start = layer.init(key, inputs, **call)
        params = start["params"] | {"layer_instance": {"kernel": w.T}}
        return layer.apply({**start, "params": params}, inputs, **call, mutable=["batch_stats"])[0].T

    return weight


def _nnx(wrapper: str, **call: Any) -> Weight:
    def weight(w: Any, key: Any) -> Any:
        import jax.numpy as jnp
        from flax import nnx as nn

        layer = nn.Linear(*w.shape[::-1], use_bias=False, param_dtype=w.dtype, rngs=nn.Rngs(0))
        layer.kernel[...] = w.T
        normed = getattr(nn, wrapper)(layer, param_dtype=w.dtype, rngs=nn.Rngs(key))
        return normed(jnp.eye(w.shape[1], dtype=w.dtype), **call).T

    return weight


def of_flax(of: Framework) -> tuple[Normaliser, ...]:
    """Both wrappers of linen and of nnx."""
    step = {"update_stats": True}
    return (
        *_rows(of, "flax.linen", _linen("WeightNorm"), _linen("SpectralNorm", **step)),
        *_rows(of, "flax.nnx", _nnx("WeightNorm"), _nnx("SpectralNorm", **step)),
    )


def of_equinox(of: Framework) -> tuple[Normaliser, ...]:
    """Both wrappers; WeightNorm keeps the length as `g`."""

    def linear(w: Any) -> Any:
        import equinox as eqx
        import jax

        layer = eqx.nn.Linear(*w.shape[::-1], use_bias=False, dtype=w.dtype, key=jax.random.key(0))
        return eqx.tree_at(lambda m: m.weight, layer, w)

    def direction(w: Any, key: Any) -> Any:
        import equinox as eqx
        import jax
        import jax.numpy as jnp

        normed = eqx.nn.WeightNorm(linear(w))
        normed = eqx.tree_at(lambda m: m.g, normed, jnp.ones_like(normed.g))
        return jax.vmap(normed)(jnp.eye(w.shape[1], dtype=w.dtype)).T

    def spectral(w: Any, key: Any) -> Any:
        import equinox as eqx
        import jax
        import jax.numpy as jnp

        make = eqx.nn.make_with_state(eqx.nn.SpectralNorm)
        normed, state = make(linear(w), "weight", key=key)
        one = lambda x: normed(x, state)[0]  # noqa: E731 - one step, on every input alike
        return jax.vmap(one)(jnp.eye(w.shape[1], dtype=w.dtype)).T

    return _rows(of, "equinox.nn", direction, spectral)


def of_haiku(of: Framework) -> tuple[Normaliser, ...]:
    """haiku.SpectralNorm is called on the weight itself."""

    def spectral(w: Any, key: Any) -> Any:
        import haiku as hk

        function = hk.transform_with_state(lambda w: hk.SpectralNorm()(w))
        return function.apply(*function.init(key, w), None, w)[0]

    return (normaliser(of, "haiku.SpectralNorm(step)", "spectral", spectral),)
