"""tinygrad.nn norms and Tensor.layernorm, called on inputs of shape (batch, channels, length)."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.defaults import constants_of, with_default
from varlaw.subjects.subject import Case, Floats, Norm
from varlaw.subjects.tinygrad.framework import TINYGRAD, UNSUPPORTED, array, context, floats


def _row(name: str, op: str, apply: Callable[..., Mapping[str, Floats]]) -> Norm:
    row = Norm(name=f"tinygrad.{name}", framework=TINYGRAD, op=op, apply=apply, unsupported=UNSUPPORTED)
    return with_default(row)


def _module(name: str, op: str, build: Callable[[Any, Case], Any], dims: int = 1) -> Norm:
    """A class under `tinygrad.nn`; `dims` is the number of spatial dimensions that it insists on."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        import tinygrad.nn

        with context(dtype, training=True):
            module = build(tinygrad.nn, case)
            spatial = (x.shape[2],) + (1,) * (dims - 1)
            y = floats(module(array(x.reshape(*x.shape[:2], *spatial), dtype)))
            running = {n: floats(getattr(module, n)) for n in ("running_mean", "running_var") if hasattr(module, n)}
        return {"output": y.reshape(x.shape)} | running

    return _row(f"nn.{name}.forward", op, apply)


def _method() -> Norm:
    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        return {"output": floats(array(x, dtype).layernorm(**constants_of(case, eps="eps")))}

    return _row("Tensor.layernorm", "layer_norm", apply)


def _across_channels() -> Norm:
    """LayerNorm2d normalises the channels at each position: the last axis of the input is put there."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        import tinygrad.nn

        with context(dtype):
            module = tinygrad.nn.LayerNorm2d(case["length"], **constants_of(case, eps="eps"))
            y = floats(module(array(x.transpose(0, 2, 1)[..., None], dtype)))
        return {"output": y[..., 0].transpose(0, 2, 1).copy()}

    return _row("nn.LayerNorm2d.forward", "layer_norm", apply)


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
