"""Keras: vectors divided by their norm, and the kernel that spectral normalisation leaves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.subjects.keras.framework import KERAS, floats, keras, place, tensor
from varlaw.subjects.keras.measure import detached
from varlaw.subjects.subject import Floats, Normaliser


def _row(name: str, call: Callable[[str], Callable[[Any], Any]]) -> Normaliser:
    """`call(dtype)` gives the function or layer that divides the rows of a matrix."""

    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        with place(dtype, device):
            row: Floats = floats(detached(call(dtype)(tensor(x[None, :], dtype))))[0]
        return row

    return Normaliser(name=f"keras.{name}", framework=KERAS, op="normalise", apply=apply)


def _spectral() -> Normaliser:
    """The kernel that a dense layer is left with after one training step."""

    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        with place(dtype, device):
            keras().utils.set_random_seed(seed % 2**32)
            inner = keras().layers.Dense(x.shape[0], use_bias=False, dtype=dtype)
            layer = keras().layers.SpectralNormalization(inner, dtype=dtype)
            layer.build((None, x.shape[1]))
            inner.kernel.assign(tensor(x.T, dtype))
            layer(tensor(np.ones((1, x.shape[1])), dtype), training=True)
            return floats(detached(inner.kernel.value)).T

    return Normaliser(name="keras.layers.SpectralNormalization(step)", framework=KERAS, op="spectral", apply=apply)


NORMALISERS: tuple[Normaliser, ...] = (
    _row("ops.normalize", lambda dtype: keras().ops.normalize),
    _row("layers.UnitNormalization", lambda dtype: keras().layers.UnitNormalization(dtype=dtype)),
    _row("constraints.UnitNorm", lambda dtype: keras().constraints.UnitNorm(axis=1)),
    _spectral(),
)
