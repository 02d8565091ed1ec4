"""paddle.nn.functional norms and the modules over them, called on inputs of shape (batch, channels, length)."""

from collections.abc import Mapping
from typing import Any

from varlaw.subjects import axes
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.namespace import Make
from varlaw.subjects.norm_rows import Call, norm
from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, nn, top
from varlaw.subjects.paddle.layers import NN
from varlaw.subjects.subject import Case, Norm

_NO_KERNEL = dict.fromkeys(("float64", "float32"), "the kernel `rms_norm` is registered on GPUs only") | NO_HALF_KERNEL
_FLOAT32 = {"float64": "the legacy layer keeps its statistics in float32 and refuses float64 input"} | NO_HALF_KERNEL


def _functional(name: str, call: Call, unsupported: Mapping[str, str] = NO_HALF_KERNEL, **rest: Any) -> Norm:
    return norm(PADDLE, f"paddle.nn.functional.{name}", name, call, unsupported=unsupported, **rest)


def _f() -> Any:
    return nn().functional


def _batch_norm(x: Any, case: Case) -> tuple[Any, ...]:
    """Paddle's momentum is what is kept of the running statistics: 1 minus that of the case."""
    kind = "float64" if str(x.dtype).endswith("float64") else "float32"
    channels = [x.shape[1]]
    running = top("zeros")(channels, kind), top("ones")(channels, kind)
    settings = {"training": True, "data_format": "NCL", **constants_of(case, eps="epsilon", kept="momentum")}
    return (
        _f().batch_norm(x, *running, top("ones")(channels, kind), top("zeros")(channels, kind), **settings),
        *running,
    )


def _module(name: str, op: str, make: Make, dims: int = 1, unsupported: Mapping[str, str] = NO_HALF_KERNEL) -> Norm:
    return NN.norm(name, op, make, dims=dims, running_variance="biased", unsupported=unsupported)


def _batch(name: str) -> Make:
    return lambda nn, c, f: getattr(nn, name)(c["channels"], **constants_of(c, eps="epsilon", kept="momentum"))


def _instance(name: str) -> Make:
    return lambda nn, c, f: getattr(nn, name)(c["channels"], **constants_of(c, eps="epsilon"))


def _last(x: Any) -> list[int]:
    return [int(x.shape[-1])]


def _channels_last(name: str, op: str, arguments: Any, of: str = "NLC") -> Norm:
    """A module whose channels come last."""

    def call(x: Any, case: Case) -> tuple[Any, ...]:
        constants = constants_of(case, eps="epsilon", kept="momentum" if op == "batch_norm" else "")
        layer = getattr(nn(), name)(**arguments(case), **constants, data_format=of)
        layer.train()
        y = layer(x)
        return (y, *((layer._mean, layer._variance) if op == "batch_norm" else ()))

    return axes.norm(PADDLE, f"paddle.nn.{name}({of}).forward", op, call, "blc", running_variance="biased")


NORMS: tuple[Norm, ...] = (
    axes.norm(
        PADDLE,
        "paddle.nn.functional.layer_norm(two axes)",
        "layer_norm",
        lambda x, c: _f().layer_norm(x, [int(n) for n in x.shape[-2:]], **constants_of(c, eps="epsilon")),
        "bcpq",
    ),
    _channels_last("BatchNorm1D", "batch_norm", lambda c: {"num_features": c["channels"]}),
    _channels_last("InstanceNorm1D", "instance_norm", lambda c: {"num_features": c["channels"]}),
    _channels_last("GroupNorm", "group_norm", lambda c: {"num_groups": c["groups"], "num_channels": c["channels"]}),
    _functional("layer_norm", lambda x, c: _f().layer_norm(x, _last(x), **constants_of(c, eps="epsilon"))),
    _functional("rms_norm", lambda x, c: _f().rms_norm(x, _last(x), **constants_of(c, eps="eps"))[0], _NO_KERNEL),
    _functional(
        "group_norm", lambda x, c: _f().group_norm(x, c["groups"], data_format="NCL", **constants_of(c, eps="epsilon"))
    ),
    _functional("instance_norm", lambda x, c: _f().instance_norm(x, **constants_of(c, eps="eps"), data_format="NCL")),
    _functional("batch_norm", _batch_norm, running_variance="biased"),
    _module("LayerNorm", "layer_norm", lambda nn, c, f: nn.LayerNorm(c["length"], **constants_of(c, eps="epsilon"))),
    _module(
        "GroupNorm",
        "group_norm",
        lambda nn, c, f: nn.GroupNorm(c["groups"], c["channels"], **constants_of(c, eps="epsilon")),
        2,
    ),
    *(_module(f"BatchNorm{d}D", "batch_norm", _batch(f"BatchNorm{d}D"), d) for d in (1, 2, 3)),
    _module("BatchNorm", "batch_norm", _batch("BatchNorm"), 2, _FLOAT32),
    *(_module(f"InstanceNorm{d}D", "instance_norm", _instance(f"InstanceNorm{d}D"), d) for d in (1, 2, 3)),
)
