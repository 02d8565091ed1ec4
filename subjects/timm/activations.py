"""timm.layers' activations: the plain ones, in place and out of place, and those with derivatives written by hand."""

import importlib
from typing import Any

from varlaw.subjects.subject import Activation
from varlaw.subjects.timm.framework import TIMM, timm
from varlaw.subjects.torch.activations import activation

_PLAIN = {"Swish": "silu", "Mish": "mish", "HardSwish": "hardswish", "HardSigmoid": "hardsigmoid"}


def _plain(name: str, function: str) -> Activation:
    def call(torch: Any, x: Any) -> Any:
        return getattr(timm().layers, name)()(x)

    def over(torch: Any, x: Any) -> Any:
        return getattr(timm().layers, name)(inplace=True)(x)

    return activation(f"layers.{name}", function, call, None if name == "Mish" else over, TIMM)  # its flag does nothing


def _one(name: str, function: str) -> Activation:
    return activation(f"layers.{name}", function, lambda torch, x: getattr(timm().layers, name)()(x), framework=TIMM)


def _by_hand(name: str, function: str) -> Activation:
    """Of the room that saves memory: its backward pass is a function of its own."""

    def call(torch: Any, x: Any) -> Any:
        timm()
        return getattr(importlib.import_module("timm.layers.activations_me"), f"{name}Me")()(x)

    return activation(f"layers.activations_me.{name}Me", function, call, framework=TIMM)


ACTIVATIONS: tuple[Activation, ...] = (
    *(_plain(*item) for item in _PLAIN.items()),
    _one("GELU", "gelu"),
    _one("GELUTanh", "gelu_tanh"),
    _one("QuickGELU", "quick_gelu"),
    _one("PReLU", "prelu"),
    *(_by_hand(*item) for item in _PLAIN.items()),
)
