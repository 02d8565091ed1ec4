"""timm.layers' activations: the plain ones, in place and out of place, those with derivatives by hand; gated units."""

import importlib
from typing import Any

from varlaw.subjects.gating import gated
from varlaw.subjects.subject import Activation, Experiment
from varlaw.subjects.timm.framework import TIMM, timm
from varlaw.subjects.torch.activations import activation, differentiate

_PLAIN = {"Swish": "silu", "Mish": "mish", "HardSwish": "hardswish", "HardSigmoid": "hardsigmoid"}


def _plain(name: str, function: str) -> Activation:
    def call(torch: Any, x: Any) -> Any:
        return getattr(timm().layers, name)()(x)

    def over(torch: Any, x: Any) -> Any:
        return getattr(timm().layers, name)(inplace=True)(x)

    return activation(f"layers.{name}", function, call, None if name == "Mish" else over, TIMM)  # its flag does nothing


def _one(name: str, function: str) -> Activation:
    """A module in the dtype of its input: PReLU has a slope, which torch does not convert."""

    def call(torch: Any, x: Any) -> Any:
        return getattr(timm().layers, name)().to(x.dtype)(x)

    return activation(f"layers.{name}", function, call, framework=TIMM)


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


def _gated(title: str, activation: str, act: str, *, gate_last: bool) -> Experiment:
    """timm's own gated feed-forward, whose two maps hand on what they are given."""

    def call(x: Any) -> Any:
        import torch

        layer = timm().layers.GluMlp(2, act_layer=getattr(torch.nn, act), gate_last=gate_last)
        layer.fc1 = layer.fc2 = torch.nn.Identity()
        return layer(x)

    return gated(TIMM, f"layers.{title}", activation, call, differentiate, gate_first=not gate_last)


GATED: tuple[Experiment, ...] = (
    _gated("GluMlp", "sigmoid", "Sigmoid", gate_last=True),
    _gated("GluMlp(SiLU)", "silu", "SiLU", gate_last=False),
    _gated("GluMlp(GELU)", "gelu", "GELU", gate_last=False),
    _gated("GluMlp(ReLU)", "relu", "ReLU", gate_last=False),
)
