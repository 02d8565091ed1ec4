"""Paddle: vectors divided by their norm, weights of a layer that keeps their length, spectral normalisation."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, array, default_dtype, floats, nn, top
from varlaw.subjects.subject import Floats, Normaliser


def _row(name: str, op: str, divide: Callable[[Floats, str], Any]) -> Normaliser:
    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        top("seed")(seed)
        with default_dtype(dtype):
            return floats(divide(x, dtype))

    return Normaliser(name=f"paddle.nn.{name}", framework=PADDLE, op=op, apply=apply, unsupported=NO_HALF_KERNEL)


def _linear(w: Floats, dtype: str) -> Any:
    """A linear layer that has this weight, of shape (outputs, inputs)."""
    layer = nn("Linear")(*w.shape[::-1], bias_attr=False)
    layer.weight.set_value(array(w.T, dtype))
    return layer


def _direction(x: Floats, dtype: str) -> Any:
    """The weight of a layer of one output after `weight_norm`, at a length of 1."""
    layer = nn("utils").weight_norm(_linear(x[None], dtype), dim=1)
    layer.weight_g.set_value(top("ones")([1], dtype=dtype))
    layer(top("ones")([1, x.size], dtype=dtype))  # what computes the weight anew
    return layer.weight[:, 0]


def _spectral(x: Floats, dtype: str) -> Any:
    """The weight of a linear layer after one training step."""
    layer = nn("utils").spectral_norm(_linear(x, dtype))
    layer(top("ones")([1, x.shape[1]], dtype=dtype))
    return layer.weight.T


NORMALISERS: tuple[Normaliser, ...] = (
    _row("functional.normalize", "normalise", lambda x, d: nn("functional").normalize(array(x, d), axis=0)),
    _row("utils.weight_norm(direction)", "normalise", _direction),
    _row("utils.spectral_norm", "spectral", _spectral),
)
