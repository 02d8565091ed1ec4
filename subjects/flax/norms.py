"""flax: the norms of linen and nnx, as they come and with the two-pass variance."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects import axes
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.norms import imaginary, norm, weighted
from varlaw.subjects.norm_rows import Affine, Call, masked
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


def _hidden(name: str, x: Any) -> tuple[Any, Any, Callable[[Any], Any]]:
    """x with a place of 1e4 more along its length, the mask that hides it, and how it is taken off again."""
    import jax
    import jax.numpy as jnp

    axis = 2 if name == "LayerNorm" else 1
    more = 0 * jax.lax.slice_in_dim(x, 0, 1, axis=axis) + 1e4
    wide = jnp.concatenate([x, more], axis=axis)
    seen = jax.lax.broadcasted_iota("int32", wide.shape, axis) < x.shape[axis]
    return wide, seen, lambda y: jax.lax.slice_in_dim(y, 0, x.shape[axis], axis=axis)


def _linen_masked(name: str) -> Call:
    def call(x: Any, case: Case) -> Any:
        import flax.linen as nn
        import jax

        wide, seen, cut = _hidden(name, x)
        if name != "BatchNorm":
            module = getattr(nn, name)(**(_GROUPS if name == "GroupNorm" else _EPS)(case), param_dtype=x.dtype)
            return cut(module.apply(module.init(jax.random.key(0), wide), wide, mask=seen))
        sizes = {**constants_of(case, eps="epsilon", kept="momentum"), "param_dtype": x.dtype}
        batch = nn.BatchNorm(use_running_average=False, **sizes)
        y, updated = batch.apply(batch.init(jax.random.key(0), wide), wide, mask=seen, mutable=["batch_stats"])
        return cut(y), updated["batch_stats"]["mean"], updated["batch_stats"]["var"]

    return call


def _nnx_masked(name: str) -> Call:
    def call(x: Any, case: Case) -> Any:
        from flax import nnx as nn

        wide, seen, cut = _hidden(name, x)
        constants = (_GROUPS if name == "GroupNorm" else _EPS)(case)
        constants = constants_of(case, eps="epsilon", kept="momentum") if name == "BatchNorm" else constants
        module = getattr(nn, name)(wide.shape[-1], **constants, param_dtype=x.dtype, rngs=nn.Rngs(0))
        y = cut(module(wide, mask=seen))
        return (y, module.mean[...], module.var[...]) if name == "BatchNorm" else y

    return call


def _masked() -> Iterator[Norm]:
    """The norms that take a mask; channels are last, but for the layer norm."""
    of_one = {name: op for name, op in _OPS.items() if name != "RMSNorm"}
    for kind, make in (("linen", _linen_masked), ("nnx", _nnx_masked)):
        for name, op in {**of_one, "BatchNorm": "batch_norm"}.items():
            title, last = f"flax.{kind}.{name}.__call__", name != "LayerNorm"
            yield masked(FLAX, title, op, make(name), channels_last=last, running_variance="biased")


# name, the letters of the axes (`varlaw.subjects.axes`), and what says where the sets lie.
_AXES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("LayerNorm", "bpcq", {"reduction_axes": (1, 3)}),
    ("LayerNorm", "blc", {"reduction_axes": 1, "feature_axes": 1}),
    ("RMSNorm", "bpcq", {"reduction_axes": (1, 3)}),
    ("RMSNorm", "blc", {"reduction_axes": 1, "feature_axes": 1}),
    ("GroupNorm", "1blc", {"reduction_axes": (2, 3)}),
    ("InstanceNorm", "bcl", {"feature_axes": 1}),
    ("BatchNorm", "bcl", {"axis": 1}),
)


def _told(kind: str, single: Any, batch: Any) -> Iterator[Norm]:
    """The norms that are told their axes."""
    for name, order, where in _AXES:
        title = f"flax.{kind}.{name}.__call__({', '.join(f'{n}={value}' for n, value in where.items())})"
        if name == "BatchNorm":
            yield axes.norm(FLAX, title, "batch_norm", batch(where), order, running_variance="biased")
        else:
            call, affine = single(name, where)
            more = {"affine": affine} if "feature_axes" in where else {}
            yield axes.norm(FLAX, title, _OPS[name], call, order, running_variance="biased", **more)


NORMS: tuple[Norm, ...] = (
    *_masked(),
    *_told("linen", _linen, _linen_batch),
    *_told("nnx", _nnx, _nnx_batch),
    *_norms("flax.linen", _linen, _linen_batch),
    *_norms("flax.nnx", _nnx, _nnx_batch),
    *(
        imaginary(FLAX, f"flax.{kind}.{name}.__call__", op, make(name, more)[0])
        for kind, make in (("linen", _linen), ("nnx", _nnx))
        for name, op, more in (("LayerNorm", "layer_norm", _STABLE), ("RMSNorm", "rms_norm", {}))
    ),
)
