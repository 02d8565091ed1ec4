"""flax: weight and spectral normalisation, by the wrappers of linen and of nnx."""

from typing import Any

from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.weight_norms import weight_norms
from varlaw.subjects.rows import Divide
from varlaw.subjects.subject import Normaliser


def _linen(wrapper: str, **call: Any) -> Divide:
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


def _nnx(wrapper: str, **call: Any) -> Divide:
    def weight(w: Any, key: Any) -> Any:
        import jax.numpy as jnp
        from flax import nnx as nn

        layer = nn.Linear(*w.shape[::-1], use_bias=False, param_dtype=w.dtype, rngs=nn.Rngs(0))
        layer.kernel[...] = w.T
        normed = getattr(nn, wrapper)(layer, param_dtype=w.dtype, rngs=nn.Rngs(key))
        return normed(jnp.eye(w.shape[1], dtype=w.dtype), **call).T

    return weight


_STEP = {"update_stats": True}

NORMALISERS: tuple[Normaliser, ...] = (
    *weight_norms(FLAX, "flax.linen", _linen("WeightNorm"), _linen("SpectralNorm", **_STEP)),
    *weight_norms(FLAX, "flax.nnx", _nnx("WeightNorm"), _nnx("SpectralNorm", **_STEP)),
)
