"""torch.nn.functional norms and the modules over them, called on inputs of shape (batch, channels, length)."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Case, Floats, Norm
from varlaw.subjects.torch.framework import TORCH, dtype_of, floats, tensor

Call = Callable[[Any, Case], Any]


def _functional(name: str, op: str, call: Call) -> Norm:
    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        return {"output": floats(call(tensor(x, dtype, device), case))}

    return Norm(name=f"torch.nn.functional.{name}", framework=TORCH, op=op, apply=apply)


def _f() -> Any:
    import torch

    return torch.nn.functional


def _statistics(x: Any) -> dict[str, Any]:
    """Running statistics as the modules start them: mean 0, variance 1, at least in float32."""
    import torch

    dtype = torch.promote_types(x.dtype, torch.float32)
    kind = {"dtype": dtype, "device": x.device}
    return {"running_mean": torch.zeros(x.shape[1], **kind), "running_var": torch.ones(x.shape[1], **kind)}


def _batch_norm() -> Norm:
    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        t = tensor(x, dtype, device)
        running = _statistics(t)
        y = _f().batch_norm(t, **running, training=True, momentum=case["momentum"], eps=case["eps"])
        return {"output": floats(y)} | {name: floats(value) for name, value in running.items()}

    return Norm(name="torch.nn.functional.batch_norm", framework=TORCH, op="batch_norm", apply=apply)


def _module(name: str, op: str, build: Callable[[Any, Case, dict[str, Any]], Any], dims: int = 1) -> Norm:
    """A module under `torch.nn`; `dims` is the number of spatial dimensions that it insists on."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        import torch

        module = build(torch.nn, case, {"dtype": dtype_of(dtype), "device": device})
        spatial = (x.shape[2],) + (1,) * (dims - 1)
        y = module(tensor(x, dtype, device).reshape(*x.shape[:2], *spatial))
        running = {n: floats(b) for n, b in module.named_buffers() if n.startswith("running") and b is not None}
        return {"output": floats(y).reshape(x.shape)} | running

    return Norm(name=f"torch.nn.{name}.forward", framework=TORCH, op=op, apply=apply)


def _batch(name: str) -> Callable[[Any, Case, dict[str, Any]], Any]:
    return lambda nn, c, f: getattr(nn, name)(c["channels"], eps=c["eps"], momentum=c["momentum"], **f)


def _instance(name: str) -> Callable[[Any, Case, dict[str, Any]], Any]:
    return lambda nn, c, f: getattr(nn, name)(c["channels"], eps=c["eps"], **f)


NORMS: tuple[Norm, ...] = (
    _functional("layer_norm", "layer_norm", lambda x, c: _f().layer_norm(x, x.shape[-1:], eps=c["eps"])),
    _functional("rms_norm", "rms_norm", lambda x, c: _f().rms_norm(x, x.shape[-1:], eps=c["eps"])),
    _functional("group_norm", "group_norm", lambda x, c: _f().group_norm(x, c["groups"], eps=c["eps"])),
    _functional("instance_norm", "instance_norm", lambda x, c: _f().instance_norm(x, eps=c["eps"])),
    _batch_norm(),
    _module("LayerNorm", "layer_norm", lambda nn, c, f: nn.LayerNorm(c["length"], eps=c["eps"], **f)),
    _module("RMSNorm", "rms_norm", lambda nn, c, f: nn.RMSNorm(c["length"], eps=c["eps"], **f)),
    _module("GroupNorm", "group_norm", lambda nn, c, f: nn.GroupNorm(c["groups"], c["channels"], eps=c["eps"], **f)),
    *(_module(f"BatchNorm{d}d", "batch_norm", _batch(f"BatchNorm{d}d"), d) for d in (1, 2, 3)),
    *(_module(f"InstanceNorm{d}d", "instance_norm", _instance(f"InstanceNorm{d}d"), d) for d in (1, 2, 3)),
)
