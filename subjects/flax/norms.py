"""flax: the norms of linen and nnx, as they come and with the two-pass variance."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.defaults import constants_of
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.norms import imaginary, norm, weighted
from varlaw.subjects.rows import Affine, Call
from varlaw.subjects.subject import Case, Norm

Arguments = Callable[[Case], Mapping[str, Any]]

_EPS: Arguments = lambda c: constants_of(c, eps="epsilon")  # noqa: E731 - a table's entry
_GROUPS: Arguments = lambda c: {**_EPS(c), "num_groups": c["groups"]}  # noqa: E731

_OPS = {"LayerNorm": "layer_norm", "RMSNorm": "rms_norm", "GroupNorm": "group_norm", "InstanceNorm": "instance_norm"}
_STABLE = {"use_fast_variance": False}


def _linen(name: str, more: Mapping[str, Any]) -> tuple[Call, Affine]:
    """The call with the parameters that the module starts with, and that with others."""

    def started(x: Any, case: Case) -> tuple[Any, Any]:
        import flax.linen as nn
        import jax

        arguments = (_GROUPS if name == "GroupNorm" else _EPS)(case)
        module = getattr(nn, name)(**arguments, **more, param_dtype=x.dtype)
        return module, module.init(jax.random.key(0), x)

    def call(x: Any, case: Case) -> Any:
        module, variables = started(x, case)
        return module.apply(variables, x)

    def affine(x: Any, weight: Any, bias: Any, case: Case) -> Any:
        module, variables = started(x, case)
        return module.apply(weighted(variables, weight, bias), x)

    return call, affine


def _nnx(name: str, more: Mapping[str, Any]) -> tuple[Call, Affine]:
    def started(x: Any, case: Case) -> Any:
        from flax import nnx as nn

        arguments = (_GROUPS if name == "GroupNorm" else _EPS)(case)
        return getattr(nn, name)(x.shape[-1], **arguments, **more, param_dtype=x.dtype, rngs=nn.Rngs(0))

    def affine(x: Any, weight: Any, bias: Any, case: Case) -> Any:
        from flax import nnx as nn

        module = started(x, case)
        module.scale = nn.Param(weight)
        if name != "RMSNorm":
            module.bias = nn.Param(bias)
        return module(x)

    return lambda x, case: started(x, case)(x), affine


def _linen_batch(more: Mapping[str, Any], evaluated: bool = False) -> Call:
    """flax's momentum is what is kept of the running statistics, the case's what is taken of the batch's."""

    def call(x: Any, case: Case) -> Any:
        import flax.linen as nn
        import jax

        sizes = {**constants_of(case, eps="epsilon", kept="momentum"), "param_dtype": x.dtype}
        module = nn.BatchNorm(use_running_average=False, **sizes, **more)
        variables = module.init(jax.random.key(0), x)
        for _ in range(case.get("steps", 1)):
            y, updated = module.apply(variables, x, mutable=["batch_stats"])
            variables = {**variables, **updated}
        if evaluated:
            y = module.clone(use_running_average=True).apply(variables, x)
        return y, variables["batch_stats"]["mean"], variables["batch_stats"]["var"]

    return call


def _nnx_batch(more: Mapping[str, Any], evaluated: bool = False) -> Call:
    def call(x: Any, case: Case) -> Any:
        from flax import nnx as nn

        sizes = {**constants_of(case, eps="epsilon", kept="momentum"), "param_dtype": x.dtype}
        module = nn.BatchNorm(x.shape[-1], **sizes, **more, rngs=nn.Rngs(0))
        for _ in range(case.get("steps", 1)):
            y = module(x)
        if evaluated:
            module.eval()
            y = module(x)
        return y, module.mean[...], module.var[...]

    return call


def _norms(prefix: str, single: Any, batch: Any) -> Iterator[Norm]:
    """Each norm as it comes, with the fast variance, and where there is a choice with the two-pass one."""
    for variant, more in (("", {}), ("(use_fast_variance=False)", _STABLE)):
        for name, op in _OPS.items():
            if not (more and name == "RMSNorm"):
                call, affine = single(name, more)
                title = f"{prefix}.{name}.__call__{variant}"
                yield norm(FLAX, title, op, call, affine=affine, documented_eps="1e-6")
        yield norm(
            FLAX,
            f"{prefix}.BatchNorm.__call__{variant}",
            "batch_norm",
            batch(more),
            evaluated=batch(more, evaluated=True),
            documented_eps="1e-5",
            steps=True,
        )


NORMS: tuple[Norm, ...] = (
    *_norms("flax.linen", _linen, _linen_batch),
    *_norms("flax.nnx", _nnx, _nnx_batch),
    *(
        imaginary(FLAX, f"flax.{kind}.{name}.__call__", op, make(name, more)[0])
        for kind, make in (("linen", _linen), ("nnx", _nnx))
        for name, op, more in (("LayerNorm", "layer_norm", _STABLE), ("RMSNorm", "rms_norm", {}))
    ),
)
