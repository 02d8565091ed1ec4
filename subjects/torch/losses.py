"""torch's classification losses on logits: functional, module, and spelt out as negative log likelihood."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.rows import loss
from varlaw.subjects.subject import Loss
from varlaw.subjects.torch.framework import TORCH
from varlaw.subjects.torch.layers import NN


def _loss(name: str, call: Callable[..., Any], *adjusts: str) -> Loss:
    return loss(TORCH, f"torch.nn.{name}", call, adjusts, ignored=-100)


def _f() -> Any:
    return NN.find().functional


_ARGUMENTS = ("smoothing", "ignored", "weights", "sum")

LOSSES: tuple[Loss, ...] = (
    _loss(
        "functional.cross_entropy",
        lambda z, y, how, **more: _f().cross_entropy(z, y, reduction=how, **more),
        *_ARGUMENTS,
    ),
    _loss(
        "functional.nll_loss",
        lambda z, y, how, **more: _f().nll_loss(_f().log_softmax(z, dim=-1), y, reduction=how, **more),
        "ignored",
        "weights",
        "sum",
    ),
    _loss(
        "CrossEntropyLoss",
        lambda z, y, how, **more: NN.find().CrossEntropyLoss(reduction=how, **more)(z, y),
        *_ARGUMENTS,
    ),
)
