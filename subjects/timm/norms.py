"""timm's own norms, and its convolutions that standardise their weights, which are layer norms of those."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.subject import Case, Norm
from varlaw.subjects.timm.framework import TIMM, timm
from varlaw.subjects.torch_modules import View, channels, last, norm, one_channel, spatial, weight_used

Size = Callable[[Case], tuple[Any, ...]]


def _length(case: Case) -> tuple[Any, ...]:
    return (case["length"],)


def _features(case: Case) -> tuple[Any, ...]:
    return (case["channels"],)


def _groups(case: Case) -> tuple[Any, ...]:
    return (case["channels"], case["groups"])


def _one(case: Case) -> tuple[Any, ...]:
    return (1,)


def _norm(name: str, op: str, size: Size, view: View = last, *, momentum: str = "", plain: bool = False) -> Norm:
    """`plain`: without the activation that it would be joined with."""
    fields = {"apply_act": False} if plain else {}

    def build(case: Case, options: dict[str, Any]) -> Any:
        return getattr(timm().layers, name)(*size(case), **fields, **options)

    return norm(TIMM, f"timm.layers.{name}", op, build, view, momentum=momentum)


def _standardised(name: str, *, scaled: bool) -> Norm:
    """A convolution with one input channel and a kernel of the length, whose weight is x: a row is an output channel.

    A scaled one promises variance 1/fan_in, with gain and gamma 1: what it convolves with is taken times sqrt(fan_in).
    """

    def build(case: Case, options: dict[str, Any]) -> Any:
        sets, length = case["batch"] * case["channels"], case["length"]
        return getattr(timm().layers, name)(1, sets, (1, length), padding=0, **options)

    def view(convolution: Any, x: Any) -> Any:
        weight = weight_used(convolution, x)
        return weight.double() * x.shape[-1] ** 0.5 if scaled else weight

    return norm(TIMM, f"timm.layers.{name}(weight)", "layer_norm", build, view)


NORMS: tuple[Norm, ...] = (
    _norm("LayerNorm", "layer_norm", _length),
    _norm("LayerNormFp32", "layer_norm", _length),
    _norm("LayerNorm2d", "layer_norm", _length, channels),
    _norm("LayerNorm2dFp32", "layer_norm", _length, channels),
    _norm("LayerNormAct", "layer_norm", _length, plain=True),
    _norm("LayerNormActFp32", "layer_norm", _length, plain=True),
    _norm("LayerNormAct2d", "layer_norm", _length, channels, plain=True),
    _norm("LayerNormAct2dFp32", "layer_norm", _length, channels, plain=True),
    _norm("GroupNorm", "group_norm", _groups, spatial),
    _norm("GroupNorm1", "layer_norm", _one, one_channel),
    _norm("GroupNormAct", "group_norm", _groups, spatial, plain=True),
    _norm("GroupNorm1Act", "layer_norm", _one, one_channel, plain=True),
    _norm("RmsNorm", "rms_norm", _length),
    _norm("RmsNormFp32", "rms_norm", _length),
    _norm("RmsNorm2d", "rms_norm", _length, channels),
    _norm("RmsNorm2dFp32", "rms_norm", _length, channels),
    _norm("RmsNormAct", "rms_norm", _length, plain=True),
    _norm("RmsNormActFp32", "rms_norm", _length, plain=True),
    _norm("RmsNormAct2d", "rms_norm", _length, channels, plain=True),
    _norm("RmsNormAct2dFp32", "rms_norm", _length, channels, plain=True),
    _norm("BatchNormAct2d", "batch_norm", _features, spatial, momentum="momentum", plain=True),
    _norm("FilterResponseNormAct2d", "rms_norm", _one, one_channel, plain=True),
    _norm("FilterResponseNormTlu2d", "rms_norm", _one, one_channel, plain=True),
    _standardised("StdConv2d", scaled=False),
    _standardised("StdConv2dSame", scaled=False),
    _standardised("ScaledStdConv2d", scaled=True),
    _standardised("ScaledStdConv2dSame", scaled=True),
)
