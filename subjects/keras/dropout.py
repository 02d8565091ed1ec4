"""keras.layers and keras.random: dropout in training mode, on inputs of shape (batch, channels, length)."""

import random
from typing import Any

from varlaw.subjects.keras.framework import KERAS, dtype_of, keras
from varlaw.subjects.rows import Drop, dropout
from varlaw.subjects.subject import Dropout


def _layer(name: str, op: str, dims: int = 0) -> Dropout:
    """`dims`: the number of spatial axes that the layer insists on, with channels last."""

    def drop(x: Any, p: float, key: None) -> Any:
        return getattr(keras().layers, name)(p, dtype=dtype_of(x))(x, training=True)

    return dropout(KERAS, f"keras.layers.{name}", op, drop, dims=dims or 1, channels_last=dims > 0)


def _attention(name: str) -> Dropout:
    """The weights of an attention over 64 equal keys, 1/64 each, times the keys and the input."""

    def drop(x: Any, p: float, key: None) -> Any:
        ops, dtype = keras().ops, dtype_of(x)
        query, keys = ops.zeros((*x.shape[:2], 4), dtype), ops.zeros((x.shape[0], x.shape[2], 4), dtype)
        layer = getattr(keras().layers, name)(dropout=p, dtype=dtype)
        _, weights = layer([query, keys], return_attention_scores=True, training=True)
        return weights * x.shape[2] * x

    return dropout(KERAS, f"keras.layers.{name}(dropout)", "dropout", drop, weights=True)


# With a seed of its own Keras takes another path on torch than without.
_seeded: Drop = lambda x, p, key: keras().random.dropout(x, p, seed=random.randrange(1, 2**30))  # noqa: E731


def _shaped(name: str, op: str, *kept: int) -> Dropout:
    """A mask of the shape of x on the `kept` axes, and of one entry along the others."""

    def drop(x: Any, p: float, key: None) -> Any:
        noise = tuple(n if axis in kept else 1 for axis, n in enumerate(x.shape))
        return getattr(keras().layers, name)(p, noise_shape=noise, dtype=dtype_of(x))(x, training=True)

    return dropout(KERAS, f"keras.layers.{name}(noise_shape={len(kept)})", op, drop)


DROPOUTS: tuple[Dropout, ...] = (
    _shaped("Dropout", "channel_dropout", 0, 1),
    _shaped("Dropout", "drop_path", 0),
    _shaped("AlphaDropout", "channel_alpha_dropout", 0, 1),
    _layer("Dropout", "dropout"),
    _layer("AlphaDropout", "alpha_dropout"),
    _layer("GaussianDropout", "gaussian_dropout"),
    *(_layer(f"SpatialDropout{d}D", "channel_dropout", d) for d in (1, 2, 3)),
    _attention("Attention"),
    _attention("AdditiveAttention"),
    dropout(KERAS, "keras.random.dropout", "dropout", _seeded),
)
