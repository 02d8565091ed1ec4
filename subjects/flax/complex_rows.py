"""flax, complex weights: the dense layers, which start from lecun_normal, truncated."""

from typing import Any

from varlaw.subjects.complex_parts import cut_normal
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.complex_rows import circular, dense
from varlaw.subjects.subject import Case, Sampler


def _linen(key: Any, c: Case, dtype: Any) -> Any:
    import flax.linen as nn
    import jax.numpy as jnp

    layer = nn.Dense(c["out_features"], param_dtype=dtype)
    return layer.init(key, jnp.zeros((1, c["in_features"]), dtype))["params"]["kernel"]


def _nnx(key: Any, c: Case, dtype: Any) -> Any:
    from flax import nnx

    return nnx.Linear(*dense(c), param_dtype=dtype, rngs=nnx.Rngs(params=key)).kernel[...]


COMPLEX: tuple[Sampler, ...] = (
    circular(FLAX, "flax.linen.Dense", cut_normal, _linen),
    circular(FLAX, "flax.nnx.Linear", cut_normal, _nnx),
)
