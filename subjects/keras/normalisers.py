"""Keras: vectors divided by their norm, and the kernel that spectral normalisation leaves."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.keras.framework import KERAS, dtype_of, keras
from varlaw.subjects.rows import normaliser
from varlaw.subjects.subject import Normaliser


def _row(name: str, made: Callable[[str], Callable[[Any], Any]]) -> Normaliser:
    """`made(dtype)` gives the function or layer that divides the rows of a matrix."""
    return normaliser(KERAS, f"keras.{name}", "normalise", lambda x, key: made(dtype_of(x))(x[None, :])[0])


def _spectral(x: Any, key: None) -> Any:
    """The kernel that a dense layer is left with after one training step."""
    inner = keras().layers.Dense(x.shape[0], use_bias=False, dtype=dtype_of(x))
    layer = keras().layers.SpectralNormalization(inner, dtype=dtype_of(x))
    layer.build((None, x.shape[1]))
    inner.kernel.assign(keras().ops.transpose(x))
    layer(keras().ops.ones((1, x.shape[1]), dtype_of(x)), training=True)
    return keras().ops.transpose(inner.kernel.value)


NORMALISERS: tuple[Normaliser, ...] = (
    _row("ops.normalize", lambda dtype: keras().ops.normalize),
    _row("layers.UnitNormalization", lambda dtype: keras().layers.UnitNormalization(dtype=dtype)),
    _row("constraints.UnitNorm", lambda dtype: keras().constraints.UnitNorm(axis=1)),
    normaliser(KERAS, "keras.layers.SpectralNormalization(step)", "spectral", _spectral),
)
