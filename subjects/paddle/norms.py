"""paddle.nn.functional norms and the modules over them, called on inputs of shape (batch, channels, length)."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.defaults import given, with_default
from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, array, default_dtype, floats, functional, nn, top
from varlaw.subjects.subject import Case, Floats, Norm

_NO_KERNEL = dict.fromkeys(("float64", "float32"), "the kernel `rms_norm` is registered on GPUs only") | NO_HALF_KERNEL
_FLOAT32 = {"float64": "the legacy layer keeps its statistics in float32 and refuses float64 input"} | NO_HALF_KERNEL


def _functional(
    name: str, op: str, call: Callable[[Any, Case], Any], unsupported: Mapping[str, str] = NO_HALF_KERNEL
) -> Norm:
    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        return {"output": floats(call(array(x, dtype), case))}

    return with_default(
        Norm(name=f"paddle.nn.functional.{name}", framework=PADDLE, op=op, apply=apply, unsupported=unsupported)
    )


def _batch_norm() -> Norm:
    """Paddle's momentum is what is kept of the running statistics: 1 minus that of the case."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        kind = dtype if dtype == "float64" else "float32"
        channels = [x.shape[1]]
        running = {"running_mean": top("zeros")(channels, kind), "running_var": top("ones")(channels, kind)}
        settings = {"training": True, "data_format": "NCL", **given(case, eps="epsilon", kept="momentum")}
        one, nought = top("ones")(channels, kind), top("zeros")(channels, kind)
        y = functional().batch_norm(array(x, dtype), *running.values(), one, nought, **settings)
        return {"output": floats(y)} | {name: floats(value) for name, value in running.items()}

    row = Norm(
        name="paddle.nn.functional.batch_norm", framework=PADDLE, op="batch_norm", apply=apply,
        running_variance="biased", unsupported=NO_HALF_KERNEL,
    )  # fmt: skip
    return with_default(row)


def _module(
    name: str, op: str, build: Callable[[Case], Any], dims: int = 1, unsupported: Mapping[str, str] = NO_HALF_KERNEL
) -> Norm:
    """A module under `paddle.nn`; `dims` is the number of spatial dimensions that it insists on."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        with default_dtype(dtype):
            module = build(case)
        spatial = (x.shape[2],) + (1,) * (dims - 1)
        for _ in range(case.get("steps", 1)):
            y = module(array(x.reshape(*x.shape[:2], *spatial), dtype))
        names = {"_mean": "running_mean", "_variance": "running_var"}
        running = {names[n]: floats(p) for n, p in module.named_parameters() if n in names}
        return {"output": floats(y).reshape(x.shape)} | running

    row = Norm(
        name=f"paddle.nn.{name}.forward", framework=PADDLE, op=op, apply=apply, unsupported=unsupported,
        running_variance="biased", steps=op == "batch_norm",
    )  # fmt: skip
    return with_default(row)


def _batch(name: str) -> Callable[[Case], Any]:
    return lambda c: nn(name)(c["channels"], **given(c, eps="epsilon", kept="momentum"))


def _instance(name: str) -> Callable[[Case], Any]:
    return lambda c: nn(name)(c["channels"], **given(c, eps="epsilon"))


def _last(x: Any) -> list[int]:
    return [int(x.shape[-1])]


NORMS: tuple[Norm, ...] = (
    _functional(
        "layer_norm", "layer_norm", lambda x, c: functional().layer_norm(x, _last(x), **given(c, eps="epsilon"))
    ),
    _functional(
        "rms_norm",
        "rms_norm",
        lambda x, c: functional().rms_norm(x, _last(x), **given(c, eps="eps"))[0],
        unsupported=_NO_KERNEL,
    ),
    _functional(
        "group_norm",
        "group_norm",
        lambda x, c: functional().group_norm(x, c["groups"], data_format="NCL", **given(c, eps="epsilon")),
    ),
    _functional(
        "instance_norm",
        "instance_norm",
        lambda x, c: functional().instance_norm(x, **given(c, eps="eps"), data_format="NCL"),
    ),
    _batch_norm(),
    _module("LayerNorm", "layer_norm", lambda c: nn("LayerNorm")(c["length"], **given(c, eps="epsilon"))),
    _module(
        "GroupNorm", "group_norm", lambda c: nn("GroupNorm")(c["groups"], c["channels"], **given(c, eps="epsilon")), 2
    ),
    *(_module(f"BatchNorm{d}D", "batch_norm", _batch(f"BatchNorm{d}D"), d) for d in (1, 2, 3)),
    _module("BatchNorm", "batch_norm", _batch("BatchNorm"), 2, _FLOAT32),
    *(_module(f"InstanceNorm{d}D", "instance_norm", _instance(f"InstanceNorm{d}D"), d) for d in (1, 2, 3)),
)
