"""tinygrad.nn norms and Tensor.layernorm, called on inputs of shape (batch, channels, length)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from varlaw.subjects.defaults import constants_of
from varlaw.subjects.norm_rows import RUNNING, Call, norm
from varlaw.subjects.subject import Case, Norm
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED, context

_TRAINING = replace(TINYGRAD, place=lambda dtype, device: context(dtype, training=True))


def _row(name: str, op: str, call: Call, **rest: Any) -> Norm:
    return norm(_TRAINING, f"tinygrad.{name}", op, call, unsupported=UNSUPPORTED, **rest)


def _module(name: str, op: str, build: Callable[[Any, Case], Any], dims: int = 1) -> Norm:
    """A class under `tinygrad.nn`; `dims` is the number of spatial dimensions that it insists on."""

    def call(x: Any, case: Case) -> tuple[Any, ...]:
        import tinygrad.nn

        module = build(tinygrad.nn, case)
        return module(x), *(getattr(module, n) for n in RUNNING if hasattr(module, n))

    return _row(f"nn.{name}.forward", op, call, dims=dims)


def _method() -> Norm:
    return _row("Tensor.layernorm", "layer_norm", lambda x, case: x.layernorm(**constants_of(case, eps="eps")))


def _across_channels() -> Norm:
    """LayerNorm2d normalises the channels at each position: the last axis of the input is put there."""

    def call(x: Any, case: Case) -> Any:
        import tinygrad.nn

        return tinygrad.nn.LayerNorm2d(case["length"], **constants_of(case, eps="eps"))(x.unsqueeze(-1))

    return _row("nn.LayerNorm2d.forward", "layer_norm", call, channels_last=True)


def _batch(name: str) -> Callable[[Any, Case], Any]:
    return lambda nn, c: getattr(nn, name)(c["channels"], **constants_of(c, eps="eps", momentum="momentum"))


NORMS: tuple[Norm, ...] = (
    _method(),
    _module("LayerNorm", "layer_norm", lambda nn, c: nn.LayerNorm(c["length"], **constants_of(c, eps="eps"))),
    _across_channels(),
    _module("RMSNorm", "rms_norm", lambda nn, c: nn.RMSNorm(c["length"], **constants_of(c, eps="eps"))),
    _module(
        "GroupNorm", "group_norm", lambda nn, c: nn.GroupNorm(c["groups"], c["channels"], **constants_of(c, eps="eps"))
    ),
    _module(
        "InstanceNorm", "instance_norm", lambda nn, c: nn.InstanceNorm(c["channels"], **constants_of(c, eps="eps"))
    ),
    *(_module(n, "batch_norm", _batch(n), d) for n, d in (("BatchNorm", 1), ("BatchNorm2d", 2), ("BatchNorm3d", 3))),
)
