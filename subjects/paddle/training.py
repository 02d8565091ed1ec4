"""Paddle's gradient clipping, dropout and cross entropy, as rows."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, nn, top
from varlaw.subjects.paddle.layers import NN
from varlaw.subjects.rows import Drop, clipper, dropout, loss
from varlaw.subjects.subject import Clipper, Dropout, Loss

# -- clipping ----------------------------------------------------------------------------------------------------------


def _parameters(leaves: list[Any]) -> list[Any]:
    """Parameters that have these gradients."""
    parameters = []
    for leaf in leaves:
        x = top("zeros_like")(leaf)
        x.stop_gradient = False
        (x * leaf).sum().backward()
        parameters.append(x)
    return parameters


def _in_place(name: str, op: str, *adjusts: str) -> Clipper:
    """A function of paddle.nn.utils, which changes the gradients of parameters."""

    def clip(leaves: list[Any], limit: float, **more: Any) -> tuple[list[Any], Any]:
        parameters = _parameters(leaves)
        absent = [top("ones")([3], dtype=leaves[0].dtype)] if "absent" in more else []
        arguments = {theirs: more[ours] for ours, theirs in _ARGUMENTS.items() if ours in more}
        norm = getattr(nn().utils, name)([*absent, *parameters], limit, **arguments)
        return [p.grad for p in parameters], norm

    return clipper(PADDLE, f"paddle.nn.utils.{name}", op, clip, adjusts=adjusts, unsupported=NO_HALF_KERNEL)


_ARGUMENTS = {"order": "norm_type", "strict": "error_if_nonfinite"}


def _object(name: str, op: str, *adjusts: str, single: bool = False) -> Clipper:
    """A clipping object of an optimiser, called on pairs of parameter and gradient."""

    def clip(leaves: list[Any], limit: float, **more: Any) -> tuple[list[Any], Any]:
        pairs = [(top("zeros_like")(leaf), leaf) for leaf in leaves]
        absent = [(top("ones")([3], dtype=leaves[0].dtype), None)] if "absent" in more else []
        for parameter, _ in [*absent, *pairs]:
            parameter.need_clip = True
        low = {"min": more["low"]} if "low" in more else {}
        clipped = getattr(nn(), name)(limit, **low)([*absent, *pairs])
        return [g for _, g in clipped if g is not None], None

    double = {"float64": "the kernel `clip_by_norm` is registered for float32 only"} if single else {}
    unsupported = NO_HALF_KERNEL | double
    return clipper(PADDLE, f"paddle.nn.{name}", op, clip, single=single, adjusts=adjusts, unsupported=unsupported)


def _renorm(leaves: list[Any], limit: float, order: float = 2.0) -> tuple[list[Any], Any]:
    """All leaves as one row."""
    return [top("renorm")(leaves[0].unsqueeze(0), order, 0, limit)[0]], None


CLIPPERS: tuple[Clipper, ...] = (
    clipper(
        PADDLE, "paddle.renorm", "clip_norm", _renorm, single=True, adjusts=("order",), unsupported=NO_HALF_KERNEL
    ),
    _in_place("clip_grad_norm_", "clip_norm", "order", "strict", "absent"),
    _in_place("clip_grad_value_", "clip_value", "absent"),
    _object("ClipGradByGlobalNorm", "clip_norm", "absent"),
    _object("ClipGradByNorm", "clip_norm", "absent", single=True),
    _object("ClipGradByValue", "clip_value", "low", "absent"),
)  # fmt: skip

# -- dropout -----------------------------------------------------------------------------------------------------------

_UNSUPPORTED = {
    "dropout": {},
    "channel_dropout": {"float16": NO_HALF_KERNEL["float16"]},
    "alpha_dropout": NO_HALF_KERNEL,
    "channel_alpha_dropout": NO_HALF_KERNEL,
}


def _functional(name: str, op: str, dims: int = 1) -> Dropout:
    def drop(x: Any, p: float, key: Any) -> Any:
        return getattr(nn().functional, name)(x, p)

    return dropout(PADDLE, f"paddle.nn.functional.{name}", op, drop, dims=dims, unsupported=_UNSUPPORTED[op])


def _axes(op: str, *axes: int) -> Dropout:
    """A mask over these axes, which the others share."""
    name = f"paddle.nn.functional.dropout(axis={list(axes)})"
    drop: Drop = lambda x, p, key: nn().functional.dropout(x, p, axis=list(axes))  # noqa: E731 - one expression
    return dropout(PADDLE, name, op, drop, unsupported=_UNSUPPORTED["channel_dropout"])


def _module(name: str, op: str, dims: int = 1) -> Dropout:
    return NN.dropout(name, op, dims=dims, unsupported=_UNSUPPORTED[op])


DROPOUTS: tuple[Dropout, ...] = (
    _functional("dropout", "dropout"),
    _axes("channel_dropout", 0, 1),
    _axes("drop_path", 0),
    _functional("dropout1d", "channel_dropout"),
    _functional("feature_alpha_dropout", "channel_alpha_dropout", 2),
    _functional("dropout2d", "channel_dropout", 2),
    _functional("dropout3d", "channel_dropout", 3),
    _functional("alpha_dropout", "alpha_dropout"),
    _module("Dropout", "dropout"),
    _module("Dropout2D", "channel_dropout", 2),
    _module("Dropout3D", "channel_dropout", 3),
    _module("FeatureAlphaDropout", "channel_alpha_dropout", 2),
    _module("AlphaDropout", "alpha_dropout"),
)

# -- losses ------------------------------------------------------------------------------------------------------------


def _loss(name: str, call: Callable[..., Any], *adjusts: str) -> Loss:
    def squeezed(x: Any, labels: Any, reduction: str, **more: Any) -> Any:
        return call(x, labels, reduction, **more).squeeze()

    return loss(PADDLE, f"paddle.nn.{name}", squeezed, adjusts, unsupported=NO_HALF_KERNEL)


def _softmax(x: Any, labels: Any, reduction: str) -> Any:
    each = nn().functional.softmax_with_cross_entropy(x, labels.unsqueeze(1))
    return each.mean() if reduction == "mean" else each


LOSSES: tuple[Loss, ...] = (
    _loss(
        "functional.cross_entropy",
        lambda x, t, how, **more: nn().functional.cross_entropy(x, t, reduction=how, **more),
        "smoothing",
        "ignored",
        "weights",
        "sum",
    ),
    _loss("functional.softmax_with_cross_entropy", _softmax),
    _loss(
        "CrossEntropyLoss",
        lambda x, t, how, **more: nn().CrossEntropyLoss(reduction=how, **more)(x, t),
        "smoothing",
        "ignored",
        "weights",
        "sum",
    ),
)
