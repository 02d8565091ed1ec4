"""flax: dropout of linen and nnx, on units and on the weights of attention, and the adapters of nnx."""

import importlib
from typing import Any

import numpy as np

from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.framework import array, floats, key_of, place
from varlaw.subjects.rows import Drop, dropout
from varlaw.subjects.subject import Adapter, Case, Dropout, Floats


def _linen_dropout(*broadcast: int) -> Drop:
    def drop(x: Any, p: float, key: Any) -> Any:
        import flax.linen as nn

        return nn.Dropout(p, broadcast_dims=broadcast, deterministic=False).apply({}, x, rngs={"dropout": key})

    return drop


def _nnx_dropout(*broadcast: int) -> Drop:
    def drop(x: Any, p: float, key: Any) -> Any:
        from flax import nnx as nn

        return nn.Dropout(p, broadcast_dims=broadcast, rngs=nn.Rngs(dropout=key))(x)

    return drop


def _weights_dropout(module: str, name: str, **more: Any) -> Drop:
    """The weights of an attention over 64 equal keys, 1/64 each, times the keys and the input.

    They are seen as the output for values that are the rows of the identity.
    """

    def drop(x: Any, p: float, key: Any) -> Any:
        import jax.numpy as jnp

        attend = getattr(importlib.import_module(module), name)
        batch, queries, keys = x.shape
        zeros = [jnp.zeros((batch, n, 1, keys), x.dtype) for n in (queries, keys)]
        eye = jnp.broadcast_to(keys * jnp.eye(keys, dtype=x.dtype), (batch, keys, keys))[:, :, None]
        return attend(*zeros, eye, dropout_rng=key, dropout_rate=p, deterministic=False, **more)[:, :, 0] * x

    return drop


_ATTENTION: tuple[Dropout, ...] = tuple(
    dropout(FLAX, f"{module}.{name}({variant})", "dropout", _weights_dropout(module, name, **more), weights=True)
    for module, name in (("flax.linen", "dot_product_attention"), ("flax.nnx", "dot_product_attention"))
    for variant, more in (("dropout", {}), ("broadcast_dropout=False", {"broadcast_dropout": False}))
)
DROPOUTS: tuple[Dropout, ...] = _ATTENTION + tuple(
    dropout(FLAX, f"flax.{place_}.Dropout{variant}", op, make(*axes))
    for place_, make in (("linen", _linen_dropout), ("nnx", _nnx_dropout))
    for variant, op, axes in (
        (".__call__", "dropout", ()),
        ("(broadcast_dims=length)", "channel_dropout", (2,)),
        ("(broadcast_dims=channels, length)", "drop_path", (1, 2)),
    )
)


def _lora(wrapped: bool) -> Adapter:
    """nnx.LoRA around a Linear, or LoRALinear against a Linear with its weights."""

    def apply(case: Case, dtype: str, device: str, seed: int) -> tuple[Floats, Floats]:
        from flax import nnx as nn

        with place(dtype, device):
            x = array(np.random.default_rng(seed).standard_normal((4, case["in_features"])), dtype)
            sizes, rngs = (case["in_features"], case["out_features"]), nn.Rngs(params=key_of(seed))
            kind = {"param_dtype": x.dtype}
            linear = nn.Linear(*sizes, **kind, rngs=rngs)
            if wrapped:
                adapted = nn.LoRA(sizes[0], case["rank"], sizes[1], base_module=linear, **kind, rngs=rngs)
            else:
                adapted = nn.LoRALinear(*sizes, lora_rank=case["rank"], lora_param_dtype=x.dtype, **kind, rngs=rngs)
                adapted.kernel[...], adapted.bias[...] = linear.kernel[...], linear.bias[...]
            return floats(linear(x)), floats(adapted(x))

    name = "LoRA" if wrapped else "LoRALinear"
    return Adapter(name=f"flax.nnx.{name}.__call__", framework=FLAX, op="adapter", apply=apply)


ADAPTERS: tuple[Adapter, ...] = (_lora(wrapped=True), _lora(wrapped=False))
