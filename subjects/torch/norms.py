"""torch.nn.functional norms and the modules over them, called on inputs of shape (batch, channels, length)."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.complex_parts import NO_16_BITS
from varlaw.subjects.subject import Case, Floats, Norm
from varlaw.subjects.torch.framework import TORCH, dtype_of, floats, tensor

Options = dict[str, Any]  # eps and momentum of the case, or nothing: what the framework chooses then is measured
_EPS = ("eps",)
_OPTIONS = {
    **dict.fromkeys(("layer_norm", "rms_norm", "group_norm", "instance_norm"), _EPS),
    "batch_norm": ("eps", "momentum"),
}
Call = Callable[[Any, Case, Options], Any]


def _functional(name: str, op: str, call: Call) -> Norm:
    def run(x: Floats, case: Case, dtype: str, device: str, options: Options) -> Mapping[str, Floats]:
        return {"output": floats(call(tensor(x, dtype, device), case, options))}

    return _norm(f"torch.nn.functional.{name}", op, run, _OPTIONS[op])


def _trained(module: Any, x: Any, case: Case) -> Any:
    """The output of the last training step."""
    for _ in range(case.get("steps", 1)):
        y = module(x)
    return y


def _norm(name: str, op: str, run: Callable[..., Mapping[str, Floats]], options: tuple[str, ...]) -> Norm:
    """A row whose call takes `options` from the case; its default takes none."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        return run(x, case, dtype, device, {o: case[o] for o in options})

    def default(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        return run(x, case, dtype, device, {})

    return Norm(
        name=name, framework=TORCH, op=op, apply=apply, default=default, steps=name.startswith("torch.nn.Batch")
    )


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
    def run(x: Floats, case: Case, dtype: str, device: str, options: Options) -> Mapping[str, Floats]:
        t = tensor(x, dtype, device)
        running = _statistics(t)
        y = _f().batch_norm(t, **running, training=True, **options)
        return {"output": floats(y)} | {name: floats(value) for name, value in running.items()}

    return _norm("torch.nn.functional.batch_norm", "batch_norm", run, _OPTIONS["batch_norm"])


def _module(name: str, op: str, build: Callable[[Any, Case, dict[str, Any]], Any], dims: int = 1) -> Norm:
    """A module under `torch.nn`; `dims` is the number of spatial dimensions that it insists on."""

    def run(x: Floats, case: Case, dtype: str, device: str, options: Options) -> Mapping[str, Floats]:
        import torch

        module = build(torch.nn, case, {"dtype": dtype_of(dtype), "device": device, **options})
        spatial = (x.shape[2],) + (1,) * (dims - 1)
        shaped = tensor(x, dtype, device).reshape(*x.shape[:2], *spatial)
        y = _trained(module, shaped, case)
        running = {n: floats(b) for n, b in module.named_buffers() if n.startswith("running") and b is not None}
        return {"output": floats(y).reshape(x.shape)} | running

    return _norm(f"torch.nn.{name}.forward", op, run, _OPTIONS[op])


def _channels_last(name: str, op: str, build: Callable[[Any, Case, dict[str, Any]], Any]) -> Norm:
    """The module on the same numbers with the channels innermost in memory, which takes other kernels."""

    def run(x: Floats, case: Case, dtype: str, device: str, options: Options) -> Mapping[str, Floats]:
        import torch

        module = build(torch.nn, case, {"dtype": dtype_of(dtype), "device": device, **options})
        wide = 2 - x.shape[2] % 2
        image = tensor(x, dtype, device).reshape(*x.shape[:2], -1, wide).to(memory_format=torch.channels_last)
        y = _trained(module, image, case).contiguous()
        running = {n: floats(b) for n, b in module.named_buffers() if n.startswith("running") and b is not None}
        return {"output": floats(y).reshape(x.shape)} | running

    return _norm(f"torch.nn.{name}(channels_last).forward", op, run, _OPTIONS[op])


def _complex_rms() -> Norm:
    """The norm of i x, i times the norm of x: what squares complex numbers as they are takes -x^2 for |x|^2."""

    def run(x: Floats, case: Case, dtype: str, device: str, options: Options) -> Mapping[str, Floats]:
        return {"output": floats(_f().rms_norm(1j * tensor(x, dtype, device), x.shape[-1:], **options).imag)}

    row = _norm("torch.nn.functional.rms_norm(complex)", "rms_norm", run, _OPTIONS["rms_norm"])
    return dataclasses.replace(row, unsupported=NO_16_BITS)


def _group(nn: Any, c: Case, f: dict[str, Any]) -> Any:
    return nn.GroupNorm(c["groups"], c["channels"], **f)


def _channels(name: str) -> Callable[[Any, Case, dict[str, Any]], Any]:
    return lambda nn, c, f: getattr(nn, name)(c["channels"], **f)


NORMS: tuple[Norm, ...] = (
    _functional("layer_norm", "layer_norm", lambda x, c, o: _f().layer_norm(x, x.shape[-1:], **o)),
    _functional("rms_norm", "rms_norm", lambda x, c, o: _f().rms_norm(x, x.shape[-1:], **o)),
    _complex_rms(),
    _functional("group_norm", "group_norm", lambda x, c, o: _f().group_norm(x, c["groups"], **o)),
    _functional("instance_norm", "instance_norm", lambda x, c, o: _f().instance_norm(x, **o)),
    _batch_norm(),
    _module("LayerNorm", "layer_norm", lambda nn, c, f: nn.LayerNorm(c["length"], **f)),
    _module("RMSNorm", "rms_norm", lambda nn, c, f: nn.RMSNorm(c["length"], **f)),
    _module("GroupNorm", "group_norm", _group),
    *(_module(f"BatchNorm{d}d", "batch_norm", _channels(f"BatchNorm{d}d"), d) for d in (1, 2, 3)),
    *(_module(f"InstanceNorm{d}d", "instance_norm", _channels(f"InstanceNorm{d}d"), d) for d in (1, 2, 3)),
    _channels_last("GroupNorm", "group_norm", _group),
    _channels_last("BatchNorm2d", "batch_norm", _channels("BatchNorm2d")),
    _channels_last("InstanceNorm2d", "instance_norm", _channels("InstanceNorm2d")),
)
