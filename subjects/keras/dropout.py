"""keras.layers and keras.random: dropout in training mode, on inputs of shape (batch, channels, length)."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.keras.framework import KERAS, floats, keras, place, seeded, tensor
from varlaw.subjects.keras.measure import detached
from varlaw.subjects.subject import Dropout, Floats

Call = Callable[[Any, float, str], Any]


def _dropout(name: str, op: str, call: Call, spatial: int = 0) -> Dropout:
    """`spatial`: the number of spatial axes that the layer insists on, with channels last."""

    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        shown = x
        if spatial:
            batch, channels, length = x.shape
            shown = np.moveaxis(x, 1, 2).reshape(batch, length, *(1,) * (spatial - 1), channels)
        with seeded(seed), place(dtype, device):
            y = floats(detached(call(tensor(shown, dtype), p, dtype)))
        return np.moveaxis(y.reshape(x.shape[0], x.shape[2], x.shape[1]), 2, 1) if spatial else y

    return Dropout(name=f"keras.{name}", framework=KERAS, op=op, apply=apply, weights="Attention" in name)


def _layer(name: str, **fixed: Any) -> Call:
    def call(x: Any, p: float, dtype: str) -> Any:
        return getattr(keras().layers, name)(p, dtype=dtype, **fixed)(x, training=True)

    return call


def _attention(name: str) -> Call:
    """The weights of an attention over 64 equal keys, 1/64 each, times the keys and the input."""

    def call(x: Any, p: float, dtype: str) -> Any:
        ops = keras().ops
        query, keys = ops.zeros((*x.shape[:2], 4), dtype), ops.zeros((x.shape[0], x.shape[2], 4), dtype)
        layer = getattr(keras().layers, name)(dropout=p, dtype=dtype)
        _, weights = layer([query, keys], return_attention_scores=True, training=True)
        return weights * x.shape[2] * x

    return call


def _own_seed() -> Mapping[str, int]:
    return {"seed": random.randrange(1, 2**30)}


DROPOUTS: tuple[Dropout, ...] = (
    _dropout("layers.Dropout", "dropout", _layer("Dropout")),
    _dropout("layers.AlphaDropout", "alpha_dropout", _layer("AlphaDropout")),
    _dropout("layers.GaussianDropout", "gaussian_dropout", _layer("GaussianDropout")),
    *(_dropout(f"layers.SpatialDropout{d}D", "channel_dropout", _layer(f"SpatialDropout{d}D"), d) for d in (1, 2, 3)),
    # With a seed of its own Keras takes another path on torch than without.
    _dropout("layers.Attention(dropout)", "dropout", _attention("Attention")),
    _dropout("layers.AdditiveAttention(dropout)", "dropout", _attention("AdditiveAttention")),
    _dropout("random.dropout", "dropout", lambda x, p, _: keras().random.dropout(x, p, **_own_seed())),
)
