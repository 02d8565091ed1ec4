"""Paddle: vectors divided by their norm, weights of a layer that keeps their length, spectral normalisation."""

from typing import Any

from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, nn, top
from varlaw.subjects.rows import Divide, normaliser
from varlaw.subjects.subject import Normaliser


def _row(name: str, op: str, divide: Divide) -> Normaliser:
    return normaliser(PADDLE, f"paddle.nn.{name}", op, divide, unsupported=NO_HALF_KERNEL)


def _linear(w: Any) -> Any:
    """A linear layer that has this weight, of shape (outputs, inputs)."""
    layer = nn().Linear(*w.shape[::-1], bias_attr=False)
    layer.weight.set_value(w.T)
    return layer


def _direction(x: Any, key: Any) -> Any:
    """The weight of a layer of one output after `weight_norm`, at a length of 1."""
    layer = nn().utils.weight_norm(_linear(x.unsqueeze(0)), dim=1)
    layer.weight_g.set_value(top("ones")([1], dtype=x.dtype))
    layer(top("ones")([1, len(x)], dtype=x.dtype))  # what computes the weight anew
    return layer.weight[:, 0]


def _spectral(x: Any, key: Any) -> Any:
    """The weight of a linear layer after one training step."""
    layer = nn().utils.spectral_norm(_linear(x))
    layer(top("ones")([1, x.shape[1]], dtype=x.dtype))
    return layer.weight.T


NORMALISERS: tuple[Normaliser, ...] = (
    _row("functional.normalize", "normalise", lambda x, key: nn().functional.normalize(x, axis=0)),
    _row("utils.weight_norm(direction)", "normalise", _direction),
    _row("utils.spectral_norm", "spectral", _spectral),
)
