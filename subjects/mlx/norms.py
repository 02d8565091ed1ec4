"""mlx.nn norms and the kernels under them, called on inputs of shape (batch, channels, length) with channels last."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.defaults import given, with_default
from varlaw.subjects.mlx.framework import MLX, array, dtype_of, floats
from varlaw.subjects.subject import Case, Floats, Norm

Build = Callable[[Any, Case], Any]


def _fast(name: str, call: Callable[[Any, Any, Case], Any]) -> Norm:
    """A kernel of mlx.core.fast, over the last axis."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        import mlx.core as mx

        return {"output": floats(call(mx.fast, array(x, dtype), case))}

    return Norm(name=f"mlx.core.fast.{name}", framework=MLX, op=name, apply=apply)


def _rows(name: str) -> Norm:
    """A module over the last axis, as the input comes."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        import mlx.nn

        module = getattr(mlx.nn, name)(case["length"], **given(case, eps="eps"))
        module.set_dtype(dtype_of(dtype))
        return {"output": floats(module(array(x, dtype)))}

    op = {"LayerNorm": "layer_norm", "RMSNorm": "rms_norm"}[name]
    return with_default(Norm(name=f"mlx.nn.{name}.forward", framework=MLX, op=op, apply=apply))


def _channels_last(name: str, op: str, build: Build) -> Norm:
    """A module that takes (batch, length, channels)."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        import mlx.nn

        module = build(mlx.nn, case)
        module.set_dtype(dtype_of(dtype))
        for _ in range(case.get("steps", 1)):
            y = floats(module(array(x.transpose(0, 2, 1), dtype))).transpose(0, 2, 1)
        running = {n: floats(module[n]) for n in ("running_mean", "running_var") if n in module}
        return {"output": np.ascontiguousarray(y)} | running

    return with_default(
        Norm(name=f"mlx.nn.{name}.forward", framework=MLX, op=op, apply=apply, steps=op == "batch_norm")
    )


def _group(nn: Any, c: Case, torch_like: bool) -> Any:
    return nn.GroupNorm(c["groups"], c["channels"], **given(c, eps="eps"), pytorch_compatible=torch_like)


NORMS: tuple[Norm, ...] = (
    _fast("layer_norm", lambda fast, x, c: fast.layer_norm(x, None, None, c["eps"])),
    _fast("rms_norm", lambda fast, x, c: fast.rms_norm(x, None, c["eps"])),
    _rows("LayerNorm"),
    _rows("RMSNorm"),
    _channels_last("GroupNorm", "group_norm", lambda nn, c: _group(nn, c, False)),
    _channels_last("GroupNorm(pytorch_compatible)", "group_norm", lambda nn, c: _group(nn, c, True)),
    _channels_last(
        "InstanceNorm", "instance_norm", lambda nn, c: nn.InstanceNorm(c["channels"], **given(c, eps="eps"))
    ),
    _channels_last(
        "BatchNorm", "batch_norm", lambda nn, c: nn.BatchNorm(c["channels"], **given(c, eps="eps", momentum="momentum"))
    ),
)
