"""torch.nn.functional norms and the modules over them, called on inputs of shape (batch, channels, length)."""

from typing import Any

from varlaw.subjects import axes
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.namespace import Make
from varlaw.subjects.norm_rows import Call, imaginary, norm
from varlaw.subjects.subject import Case, Norm
from varlaw.subjects.torch.framework import TORCH
from varlaw.subjects.torch.layers import NN


def _functional(name: str, call: Call, eps: str = "1e-5") -> Norm:
    return norm(TORCH, f"torch.nn.functional.{name}", name, call, documented_eps=eps)


def _f() -> Any:
    return NN.find().functional


def _batch_norm(x: Any, case: Case) -> tuple[Any, ...]:
    """Running statistics as the modules start them: mean 0, variance 1, at least in float32."""
    import torch

    kind = {"dtype": torch.promote_types(x.dtype, torch.float32), "device": x.device}
    running = torch.zeros(x.shape[1], **kind), torch.ones(x.shape[1], **kind)
    y = _f().batch_norm(x, *running, training=True, **constants_of(case, eps="eps", momentum="momentum"))
    return (y, *running)


def _channels_last(name: str, op: str, make: Make) -> Norm:
    """The module on the same numbers with the channels innermost in memory, which takes other kernels."""

    def run(x: Any, case: Case) -> Any:
        import torch

        wide = 2 - x.shape[2] % 2
        image = x.reshape(*x.shape[:2], -1, wide).to(memory_format=torch.channels_last)
        return NN.trained(make, image, case)

    return norm(TORCH, f"torch.nn.{name}(channels_last).forward", op, run, steps=op == "batch_norm")


def _rms(x: Any, case: Case) -> Any:
    return _f().rms_norm(x, x.shape[-1:], **constants_of(case, eps="eps"))


def _of_two(name: str) -> Call:
    return lambda x, c: getattr(_f(), name)(x, x.shape[-2:], **constants_of(c, eps="eps"))


def _last(name: str) -> Make:
    return lambda nn, c, f: getattr(nn, name)(c["length"], **constants_of(c, eps="eps"), **f)


def _group(nn: Any, c: Case, f: Any) -> Any:
    return nn.GroupNorm(c["groups"], c["channels"], **constants_of(c, eps="eps"), **f)


def _channels(name: str) -> Make:
    momentum = "momentum" if name.startswith("Batch") else ""
    return lambda nn, c, f: getattr(nn, name)(c["channels"], **constants_of(c, eps="eps", momentum=momentum), **f)


NORMS: tuple[Norm, ...] = (
    _functional("layer_norm", lambda x, c: _f().layer_norm(x, x.shape[-1:], **constants_of(c, eps="eps"))),
    _functional("rms_norm", _rms, "min(finfo, 2**-23)"),
    imaginary(TORCH, "torch.nn.functional.rms_norm", "rms_norm", _rms),
    _functional("group_norm", lambda x, c: _f().group_norm(x, c["groups"], **constants_of(c, eps="eps"))),
    _functional("instance_norm", lambda x, c: _f().instance_norm(x, **constants_of(c, eps="eps"))),
    _functional("batch_norm", _batch_norm),
    *(
        axes.norm(TORCH, f"torch.nn.functional.{name}(two axes)", name, _of_two(name), "bcpq")
        for name in ("layer_norm", "rms_norm")
    ),
    NN.norm("LayerNorm", "layer_norm", _last("LayerNorm"), documented_eps="1e-5"),
    NN.norm("RMSNorm", "rms_norm", _last("RMSNorm"), documented_eps="min(finfo, 2**-23)"),
    NN.norm("GroupNorm", "group_norm", _group, documented_eps="1e-5"),
    *(
        NN.norm(f"BatchNorm{d}d", "batch_norm", _channels(f"BatchNorm{d}d"), dims=d, documented_eps="1e-5")
        for d in (1, 2, 3)
    ),
    *(
        NN.norm(f"InstanceNorm{d}d", "instance_norm", _channels(f"InstanceNorm{d}d"), dims=d, documented_eps="1e-5")
        for d in (1, 2, 3)
    ),
    _channels_last("GroupNorm", "group_norm", _group),
    _channels_last("BatchNorm2d", "batch_norm", _channels("BatchNorm2d")),
    _channels_last("InstanceNorm2d", "instance_norm", _channels("InstanceNorm2d")),
)
