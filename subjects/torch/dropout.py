"""torch's dropout in training mode: functions and modules, on inputs of shape (batch, channels, length)."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.subject import Dropout, Floats
from varlaw.subjects.torch.framework import TORCH, floats, tensor

Call = Callable[[Any, float, Any], Any]  # (torch.nn, p, x) -> y


def _dropout(name: str, op: str, call: Call, dims: int = 1) -> Dropout:
    """`dims` is the number of spatial dimensions that the function insists on."""

    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        import torch

        ours = [device] if device.startswith("cuda") else []
        with torch.random.fork_rng(devices=ours), torch.no_grad():
            torch.default_generator.manual_seed(seed)
            if ours:
                torch.cuda.manual_seed(seed)
            y = call(torch.nn, p, tensor(x, dtype, device).reshape(*x.shape, *(1,) * (dims - 1)))
        return floats(y).reshape(x.shape)

    return Dropout(name=f"torch.nn.{name}", framework=TORCH, op=op, apply=apply)


def _functional(name: str, op: str, dims: int = 1) -> Dropout:
    def call(nn: Any, p: float, x: Any) -> Any:
        return getattr(nn.functional, name)(x, p, training=True)

    return _dropout(f"functional.{name}", op, call, dims)


def _module(name: str, op: str, dims: int = 1) -> Dropout:
    return _dropout(name, op, lambda nn, p, x: getattr(nn, name)(p)(x), dims)  # modules start in training mode


DROPOUTS: tuple[Dropout, ...] = (
    _functional("dropout", "dropout"),
    *(_functional(f"dropout{d}d", "channel_dropout", d) for d in (1, 2, 3)),
    _functional("alpha_dropout", "alpha_dropout"),
    _functional("feature_alpha_dropout", "channel_alpha_dropout"),
    _module("Dropout", "dropout"),
    *(_module(f"Dropout{d}d", "channel_dropout", d) for d in (1, 2, 3)),
    _module("AlphaDropout", "alpha_dropout"),
    _module("FeatureAlphaDropout", "channel_alpha_dropout"),
)
