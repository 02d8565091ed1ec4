"""mlx.nn norms and the kernels under them, called on inputs of shape (batch, channels, length) with channels last."""

from dataclasses import replace
from typing import Any

from varlaw.subjects.defaults import constants_of
from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.mlx.layers import NN
from varlaw.subjects.namespace import Make
from varlaw.subjects.norm_rows import Call, norm
from varlaw.subjects.subject import Norm


def _fast(name: str, call: Call) -> Norm:
    """A kernel of mlx.core.fast, over the last axis; its eps has no default."""
    return replace(norm(MLX, f"mlx.core.fast.{name}", name, call), default=None)


def _kernels() -> Any:
    import mlx.core as mx

    return mx.fast


def _rows(name: str, op: str) -> Norm:
    """A module over the last axis, as the input comes."""
    return NN.norm(
        name, op, lambda nn, c, f: getattr(nn, name)(c["length"], **constants_of(c, eps="eps")), channels_last=False
    )


def _group(torch_like: bool) -> Make:
    return lambda nn, c, f: nn.GroupNorm(
        c["groups"], c["channels"], **constants_of(c, eps="eps"), pytorch_compatible=torch_like
    )


def _channels(name: str, momentum: str = "") -> Make:
    return lambda nn, c, f: getattr(nn, name)(c["channels"], **constants_of(c, eps="eps", momentum=momentum))


NORMS: tuple[Norm, ...] = (
    _fast("layer_norm", lambda x, c: _kernels().layer_norm(x, None, None, c["eps"])),
    _fast("rms_norm", lambda x, c: _kernels().rms_norm(x, None, c["eps"])),
    _rows("LayerNorm", "layer_norm"),
    _rows("RMSNorm", "rms_norm"),
    NN.norm("GroupNorm", "group_norm", _group(torch_like=False)),
    NN.norm("GroupNorm(pytorch_compatible)", "group_norm", _group(torch_like=True)),
    NN.norm("InstanceNorm", "instance_norm", _channels("InstanceNorm")),
    NN.norm("BatchNorm", "batch_norm", _channels("BatchNorm", "momentum")),
)
