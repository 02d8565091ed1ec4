"""Paddle's gradient clipping, dropout and cross entropy, as rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.leaves import apart, joined
from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, array, floats, functional, nn, top
from varlaw.subjects.subject import Clipper, Dropout, Floats, Loss

# -- clipping ----------------------------------------------------------------------------------------------------------


def _parameters(grads: Sequence[Floats], dtype: str) -> list[Any]:
    """Parameters that have these gradients."""
    parameters = []
    for g in grads:
        x = top("zeros")(list(g.shape), dtype=dtype)
        x.stop_gradient = False
        (x * array(g, dtype)).sum().backward()
        parameters.append(x)
    return parameters


def _in_place(name: str, op: str) -> Clipper:
    """A function of paddle.nn.utils, which changes the gradients of parameters."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        parameters = _parameters(grads, dtype)
        norm = getattr(nn("utils"), name)(parameters, limit)
        return [floats(p.grad) for p in parameters], None if norm is None else float(floats(norm))

    return Clipper(name=f"paddle.nn.utils.{name}", framework=PADDLE, op=op, apply=apply, unsupported=NO_HALF_KERNEL)


def _object(name: str, op: str, *, one: bool = False) -> Clipper:
    """A clipping object of an optimiser, called on pairs of parameter and gradient; `one`: it knows single tensors."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        given = [joined(grads)] if one else list(grads)
        pairs = [(top("zeros")(list(g.shape), dtype=dtype), array(g, dtype)) for g in given]
        for parameter, _ in pairs:
            parameter.need_clip = True
        clipped = [floats(g) for _, g in nn(name)(limit)(pairs)]
        if one:
            clipped = apart(clipped[0], grads)
        return clipped, None

    double = {"float64": "the kernel `clip_by_norm` is registered for float32 only"} if one else {}
    return Clipper(name=f"paddle.nn.{name}", framework=PADDLE, op=op, apply=apply, unsupported=NO_HALF_KERNEL | double)


def _renorm() -> Clipper:
    """All leaves as one row."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        one = top("renorm")(array(joined(grads)[None], dtype), 2.0, 0, limit)
        return apart(floats(one)[0], grads), None

    return Clipper(name="paddle.renorm", framework=PADDLE, op="clip_norm", apply=apply, unsupported=NO_HALF_KERNEL)


CLIPPERS: tuple[Clipper, ...] = (
    _renorm(),
    _in_place("clip_grad_norm_", "clip_norm"),
    _in_place("clip_grad_value_", "clip_value"),
    _object("ClipGradByGlobalNorm", "clip_norm"),
    _object("ClipGradByNorm", "clip_norm", one=True),
    _object("ClipGradByValue", "clip_value"),
)

# -- dropout -----------------------------------------------------------------------------------------------------------


def _dropout(name: str, op: str, call: Callable[[Any, float], Any], spatial: int = 1) -> Dropout:
    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        top("seed")(seed)
        sides = (x.shape[2],) + (1,) * (spatial - 1)
        y = call(array(x.reshape(*x.shape[:2], *sides), dtype), p)
        return floats(y).reshape(x.shape)

    unsupported = {
        "dropout": {},
        "channel_dropout": {"float16": NO_HALF_KERNEL["float16"]},
        "alpha_dropout": NO_HALF_KERNEL,
        "channel_alpha_dropout": NO_HALF_KERNEL,
    }[op]
    return Dropout(name=f"paddle.nn.{name}", framework=PADDLE, op=op, apply=apply, unsupported=unsupported)


def _named(name: str) -> Callable[[Any, float], Any]:
    return lambda x, p: getattr(functional(), name)(x, p)


def _made(name: str) -> Callable[[Any, float], Any]:
    return lambda x, p: nn(name)(p)(x)


DROPOUTS: tuple[Dropout, ...] = (
    _dropout("functional.dropout", "dropout", _named("dropout")),
    _dropout("functional.dropout1d", "channel_dropout", _named("dropout1d")),
    _dropout("functional.feature_alpha_dropout", "channel_alpha_dropout", _named("feature_alpha_dropout"), 2),
    _dropout("functional.dropout2d", "channel_dropout", _named("dropout2d"), 2),
    _dropout("functional.dropout3d", "channel_dropout", _named("dropout3d"), 3),
    _dropout("functional.alpha_dropout", "alpha_dropout", _named("alpha_dropout")),
    _dropout("Dropout", "dropout", _made("Dropout")),
    _dropout("Dropout2D", "channel_dropout", _made("Dropout2D"), 2),
    _dropout("Dropout3D", "channel_dropout", _made("Dropout3D"), 3),
    _dropout("FeatureAlphaDropout", "channel_alpha_dropout", _made("FeatureAlphaDropout"), 2),
    _dropout("AlphaDropout", "alpha_dropout", _made("AlphaDropout")),
)

# -- losses ------------------------------------------------------------------------------------------------------------


def _loss(name: str, call: Callable[..., Any], adjusts: tuple[str, ...] = ("smoothing", "ignored")) -> Loss:
    def apply(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
        return floats(call(array(logits, dtype), top("to_tensor")(labels), reduction)).squeeze()

    def adjusted(
        logits: Floats, labels: NDArray[np.int64], smoothing: float, ignored: int | None, dtype: str, device: str
    ) -> Floats:
        more = {"label_smoothing": smoothing} if smoothing else {}
        more |= {"ignore_index": ignored} if ignored is not None else {}
        return floats(call(array(logits, dtype), top("to_tensor")(labels), "mean", **more)).squeeze()

    return Loss(
        name=f"paddle.nn.{name}", framework=PADDLE, op="cross_entropy", apply=apply, adjusted=adjusted,
        adjusts=adjusts, unsupported=NO_HALF_KERNEL,
    )  # fmt: skip


def _reduced(each: Any, reduction: str) -> Any:
    return each.mean() if reduction == "mean" else each


LOSSES: tuple[Loss, ...] = (
    _loss(
        "functional.cross_entropy",
        lambda x, t, how, **more: functional().cross_entropy(x, t, reduction=how, **more),
    ),
    _loss(
        "functional.softmax_with_cross_entropy",
        lambda x, t, how: _reduced(functional().softmax_with_cross_entropy(x, t.unsqueeze(1)), how),
        (),
    ),
    _loss("CrossEntropyLoss", lambda x, t, how, **more: nn("CrossEntropyLoss")(reduction=how, **more)(x, t)),
)
