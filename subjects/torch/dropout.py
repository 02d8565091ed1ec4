"""torch's dropout in training mode: functions and modules, on inputs of shape (batch, channels, length)."""

from typing import Any

from varlaw.subjects.rows import dropout
from varlaw.subjects.subject import Dropout
from varlaw.subjects.torch.framework import TORCH
from varlaw.subjects.torch.layers import NN


def _functional(name: str, op: str, dims: int = 1) -> Dropout:
    def drop(x: Any, p: float, key: Any) -> Any:
        return getattr(NN.find().functional, name)(x, p, training=True)

    return dropout(TORCH, f"torch.nn.functional.{name}", op, drop, dims=dims)


def _channels_last(name: str, op: str, dims: int = 1) -> Dropout:
    def drop(x: Any, p: float, key: Any) -> Any:
        last = x.movedim(1, -1).contiguous().movedim(-1, 1)
        return getattr(NN.find().functional, name)(last, p, training=True)

    return dropout(TORCH, f"torch.nn.functional.{name}(channels_last)", op, drop, dims=dims)


DROPOUTS: tuple[Dropout, ...] = (
    _functional("dropout", "dropout"),
    *(_functional(f"dropout{d}d", "channel_dropout", d) for d in (1, 2, 3)),
    _functional("alpha_dropout", "alpha_dropout"),
    _channels_last("dropout", "dropout"),
    _channels_last("dropout2d", "channel_dropout", 2),
    _functional("feature_alpha_dropout", "channel_alpha_dropout"),
    NN.dropout("Dropout", "dropout"),
    *(NN.dropout(f"Dropout{d}d", "channel_dropout", dims=d) for d in (1, 2, 3)),
    NN.dropout("AlphaDropout", "alpha_dropout"),
    NN.dropout("FeatureAlphaDropout", "channel_alpha_dropout"),
)
