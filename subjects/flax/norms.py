"""flax: the norms of linen and nnx, as they come and with the two-pass variance."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.defaults import constants_of
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.norms import imaginary, norm
from varlaw.subjects.rows import Call
from varlaw.subjects.subject import Case, Norm

Arguments = Callable[[Case], Mapping[str, Any]]

_EPS: Arguments = lambda c: constants_of(c, eps="epsilon")  # noqa: E731 - a table's entry
_GROUPS: Arguments = lambda c: {**_EPS(c), "num_groups": c["groups"]}  # noqa: E731

_OPS = {"LayerNorm": "layer_norm", "RMSNorm": "rms_norm", "GroupNorm": "group_norm", "InstanceNorm": "instance_norm"}
_STABLE = {"use_fast_variance": False}


def _linen(name: str, more: Mapping[str, Any]) -> Call:
    def call(x: Any, case: Case) -> Any:
        import flax.linen as nn
        import jax

        arguments = (_GROUPS if name == "GroupNorm" else _EPS)(case)
        module = getattr(nn, name)(**arguments, **more, param_dtype=x.dtype)
        return module.apply(module.init(jax.random.key(0), x), x)

    return call


def _nnx(name: str, more: Mapping[str, Any]) -> Call:
    def call(x: Any, case: Case) -> Any:
        from flax import nnx as nn

        arguments = (_GROUPS if name == "GroupNorm" else _EPS)(case)
        return getattr(nn, name)(x.shape[-1], **arguments, **more, param_dtype=x.dtype, rngs=nn.Rngs(0))(x)

    return call


def _linen_batch(more: Mapping[str, Any]) -> Call:
    """flax's momentum is what is kept of the running statistics, the case's what is taken of the batch's."""

    def call(x: Any, case: Case) -> Any:
        import flax.linen as nn
        import jax

        sizes = {**constants_of(case, eps="epsilon", kept="momentum"), "param_dtype": x.dtype}
        module = nn.BatchNorm(use_running_average=False, **sizes, **more)
        y, updated = module.apply(module.init(jax.random.key(0), x), x, mutable=["batch_stats"])
        return y, updated["batch_stats"]["mean"], updated["batch_stats"]["var"]

    return call


def _nnx_batch(more: Mapping[str, Any]) -> Call:
    def call(x: Any, case: Case) -> Any:
        from flax import nnx as nn

        sizes = {**constants_of(case, eps="epsilon", kept="momentum"), "param_dtype": x.dtype}
        module = nn.BatchNorm(x.shape[-1], **sizes, **more, rngs=nn.Rngs(0))
        return module(x), module.mean[...], module.var[...]

    return call


def _norms(prefix: str, single: Any, batch: Any) -> Iterator[Norm]:
    """Each norm as it comes, with the fast variance, and where there is a choice with the two-pass one."""
    for variant, more in (("", {}), ("(use_fast_variance=False)", _STABLE)):
        for name, op in _OPS.items():
            if not (more and name == "RMSNorm"):
                yield norm(FLAX, f"{prefix}.{name}.__call__{variant}", op, single(name, more))
        yield norm(FLAX, f"{prefix}.BatchNorm.__call__{variant}", "batch_norm", batch(more))


NORMS: tuple[Norm, ...] = (
    *_norms("flax.linen", _linen, _linen_batch),
    *_norms("flax.nnx", _nnx, _nnx_batch),
    *(
        imaginary(FLAX, f"flax.{kind}.{name}.__call__", op, make(name, more))
        for kind, make in (("linen", _linen), ("nnx", _nnx))
        for name, op, more in (("LayerNorm", "layer_norm", _STABLE), ("RMSNorm", "rms_norm", {}))
    ),
)
