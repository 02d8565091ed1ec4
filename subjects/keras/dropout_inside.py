"""keras.layers: dropout inside recurrent and attention layers, read off layers whose other weights let it through.

Kernels are identities, gates are held open by their biases with linear activations, and attention looks at equal keys,
so that the output is the input times the mask times the factor, without another rounding.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from varlaw.subjects.keras.framework import KERAS, dtype_of, keras, tensor
from varlaw.subjects.rows import Drop, dropout
from varlaw.subjects.subject import Dropout, Floats


def _row(name: str, drop: Drop) -> Dropout:
    return dropout(KERAS, f"keras.layers.{name}", "dropout", drop, weights=True)


# -- recurrent layers --------------------------------------------------------------------------------------------------

# Blocks of the packed kernels: which of them carries the signal, and which gates are open.
_BLOCKS: Mapping[str, tuple[str, str, str]] = {
    "SimpleRNN": ("h", "h", ""),
    "LSTM": ("ifco", "c", "io"),
    "GRU": ("zrh", "h", "r"),
}


def _weights(kind: str, n: int) -> list[Floats]:
    """Kernel, recurrent kernel and bias of `n` units that pass on what comes in through the one block that carries."""
    blocks, carries, is_open = _BLOCKS[kind]
    kernel = np.concatenate([np.eye(n) if b == carries else np.zeros((n, n)) for b in blocks], axis=1)
    bias = np.concatenate([np.full(n, float(b in is_open)) for b in blocks])
    return [kernel, kernel, np.stack([bias, 0 * bias]) if kind == "GRU" else bias]


def _recurrent(kind: str, argument: str) -> Dropout:
    """One step shows the mask of the inputs; a second one, without input, that of the state."""

    def drop(x: Any, p: float, key: None) -> Any:
        ops, dtype = keras().ops, dtype_of(x)
        n, steps = x.shape[-1], 1 if argument == "dropout" else 2
        linear = {"activation": "linear", "recurrent_initializer": "zeros", "unroll": True}  # orthogonal: no 16 bits
        linear |= {} if kind == "SimpleRNN" else {"recurrent_activation": "linear"}
        layer = getattr(keras().layers, kind)(n, **linear, **{argument: p}, dtype=dtype)
        layer.build((None, steps, n))
        layer.set_weights(_weights(kind, n))
        rows = ops.reshape(x, (-1, 1, n))
        return layer(ops.concatenate([rows, *[0 * rows] * (steps - 1)], axis=1), training=True)

    return _row(f"{kind}({argument})", drop)


# -- attention ---------------------------------------------------------------------------------------------------------


def _attention(name: str, **heads: int) -> Dropout:
    """One head over `length` equal keys; the values are the unit vectors, so that the output is the weights."""

    def drop(x: Any, p: float, key: None) -> Any:
        n, dtype = x.shape[2], dtype_of(x)
        width = {"head_dim" if heads else "key_dim": n}
        layer = getattr(keras().layers, name)(**(heads or {"num_heads": 1}), **width, dropout=p, dtype=dtype)
        query, values = np.zeros((*x.shape[:2], n)), np.broadcast_to(np.eye(n), (x.shape[0], n, n))
        layer.build(query.shape, values.shape)
        layer.set_weights([_pass(w.shape, "value" in w.path or "output" in w.path) for w in layer.weights])
        return layer(tensor(query, dtype), tensor(values, dtype), training=True) * n * x

    return _row(f"{name}(dropout)", drop)


def _pass(shape: tuple[int, ...], through: bool) -> Floats:
    """A kernel that passes everything on, or nothing; a bias of 0."""
    n = max(shape)
    return np.eye(n).reshape(shape) if through and np.prod(shape) == n * n else np.zeros(shape)


DROPOUTS: tuple[Dropout, ...] = (
    *(_recurrent(kind, argument) for kind in _BLOCKS for argument in ("dropout", "recurrent_dropout")),
    _attention("MultiHeadAttention"),
    _attention("GroupQueryAttention", num_query_heads=1, num_key_value_heads=1),
)
