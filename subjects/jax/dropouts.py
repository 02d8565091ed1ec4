"""How dropout of the libraries on JAX is called on inputs of shape (batch, channels, length)."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.jax.framework import array, floats, key_of, place
from varlaw.subjects.subject import Dropout, Floats, Framework

Drop = Callable[[Any, float, Any], Any]  # (x, p, key) -> y


def dropout(of: Framework, name: str, op: str, drop: Drop) -> Dropout:
    """A row for `drop`."""

    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        with place(dtype, device):
            return floats(drop(array(x, dtype), p, key_of(seed)))

    return Dropout(name=name, framework=of, op=op, apply=apply, weights="attention" in name)
