"""flax, linen and nnx: layers, norms, dropout and adapters, and the list of what there is."""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.defaults import given
from varlaw.subjects.jax import complex_rows, linen, nnx, weight_norms
from varlaw.subjects.jax.dropouts import dropout
from varlaw.subjects.jax.framework import array, floats, key_of, place
from varlaw.subjects.jax.linen import FLAX
from varlaw.subjects.jax.norms import imaginary, norm
from varlaw.subjects.subject import Adapter, Case, Dropout, Floats, Norm, Subject

Arguments = Callable[[Case], Mapping[str, Any]]

_EPS: Arguments = lambda c: given(c, eps="epsilon")  # noqa: E731 - a table's entry
_GROUPS: Arguments = lambda c: {**_EPS(c), "num_groups": c["groups"]}  # noqa: E731

_OPS = {"LayerNorm": "layer_norm", "RMSNorm": "rms_norm", "GroupNorm": "group_norm", "InstanceNorm": "instance_norm"}
_STABLE = {"use_fast_variance": False}


def _linen(name: str, more: Mapping[str, Any]) -> Callable[[Any, Case, Any], Any]:
    def call(x: Any, case: Case, dtype: Any) -> Any:
        import flax.linen as nn
        import jax

        arguments = (_GROUPS if name == "GroupNorm" else _EPS)(case)
        module = getattr(nn, name)(**arguments, **more, param_dtype=dtype)
        return module.apply(module.init(jax.random.key(0), x), x)

    return call


def _nnx(name: str, more: Mapping[str, Any]) -> Callable[[Any, Case, Any], Any]:
    def call(x: Any, case: Case, dtype: Any) -> Any:
        from flax import nnx as nn

        arguments = (_GROUPS if name == "GroupNorm" else _EPS)(case)
        return getattr(nn, name)(x.shape[-1], **arguments, **more, param_dtype=dtype, rngs=nn.Rngs(0))(x)

    return call


def _linen_batch(more: Mapping[str, Any]) -> Callable[[Any, Case, Any], Any]:
    """flax's momentum is what is kept of the running statistics, the case's what is taken of the batch's."""

    def call(x: Any, case: Case, dtype: Any) -> Any:
        import flax.linen as nn
        import jax

        sizes = {**given(case, eps="epsilon", kept="momentum"), "param_dtype": dtype}
        module = nn.BatchNorm(use_running_average=False, **sizes, **more)
        y, updated = module.apply(module.init(jax.random.key(0), x), x, mutable=["batch_stats"])
        return y, updated["batch_stats"]["mean"], updated["batch_stats"]["var"]

    return call


def _nnx_batch(more: Mapping[str, Any]) -> Callable[[Any, Case, Any], Any]:
    def call(x: Any, case: Case, dtype: Any) -> Any:
        from flax import nnx as nn

        sizes = {**given(case, eps="epsilon", kept="momentum"), "param_dtype": dtype}
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

# -- dropout and adapters ----------------------------------------------------------------------------------------------


def _linen_dropout(*broadcast: int) -> Callable[[Any, float, Any], Any]:
    def drop(x: Any, p: float, key: Any) -> Any:
        import flax.linen as nn

        return nn.Dropout(p, broadcast_dims=broadcast, deterministic=False).apply({}, x, rngs={"dropout": key})

    return drop


def _nnx_dropout(*broadcast: int) -> Callable[[Any, float, Any], Any]:
    def drop(x: Any, p: float, key: Any) -> Any:
        from flax import nnx as nn

        return nn.Dropout(p, broadcast_dims=broadcast, rngs=nn.Rngs(dropout=key))(x)

    return drop


def _weights_dropout(module: str, name: str, **more: Any) -> Callable[[Any, float, Any], Any]:
    """The weights of an attention over 64 equal keys, 1/64 each, times the keys and the input.

    They are seen as the output for values that are the rows of the identity.
    """

    def drop(x: Any, p: float, key: Any) -> Any:
        import jax.numpy as jnp

        attend = getattr(importlib.import_module(module), name)
        batch, queries, keys = x.shape
        zeros = [jnp.zeros((batch, n, 1, keys), x.dtype) for n in (queries, keys)]
        eye = jnp.broadcast_to(keys * jnp.eye(keys, dtype=x.dtype), (batch, keys, keys))[:, :, None]
        return attend(*zeros, eye, dropout_rng=key, dropout_rate=p, deterministic=False, **more)[:, :, 0] * x

    return drop


_ATTENTION: tuple[Dropout, ...] = tuple(
    dropout(FLAX, f"{module}.{name}({variant})", "dropout", _weights_dropout(module, name, **more))
    for module, name in (("flax.linen", "dot_product_attention"), ("flax.nnx", "dot_product_attention"))
    for variant, more in (("dropout", {}), ("broadcast_dropout=False", {"broadcast_dropout": False}))
)
DROPOUTS: tuple[Dropout, ...] = _ATTENTION + tuple(
    dropout(FLAX, f"flax.{place_}.Dropout{variant}", op, make(*axes))
    for place_, make in (("linen", _linen_dropout), ("nnx", _nnx_dropout))
    for variant, op, axes in (
        (".__call__", "dropout", ()),
        ("(broadcast_dims=length)", "channel_dropout", (2,)),
        ("(broadcast_dims=channels, length)", "drop_path", (1, 2)),
    )
)


def _lora(wrapped: bool) -> Adapter:
    """nnx.LoRA around a Linear, or LoRALinear against a Linear with its weights."""

    def apply(case: Case, dtype: str, device: str, seed: int) -> tuple[Floats, Floats]:
        from flax import nnx as nn

        with place(dtype, device):
            x = array(np.random.default_rng(seed).standard_normal((4, case["in_features"])), dtype)
            sizes, rngs = (case["in_features"], case["out_features"]), nn.Rngs(params=key_of(seed))
            kind = {"param_dtype": x.dtype}
            linear = nn.Linear(*sizes, **kind, rngs=rngs)
            if wrapped:
                adapted = nn.LoRA(sizes[0], case["rank"], sizes[1], base_module=linear, **kind, rngs=rngs)
            else:
                adapted = nn.LoRALinear(*sizes, lora_rank=case["rank"], lora_param_dtype=x.dtype, **kind, rngs=rngs)
                adapted.kernel[...], adapted.bias[...] = linear.kernel[...], linear.bias[...]
            return floats(linear(x)), floats(adapted(x))

    name = "LoRA" if wrapped else "LoRALinear"
    return Adapter(name=f"flax.nnx.{name}.__call__", framework=FLAX, op="adapter", apply=apply)


ADAPTERS: tuple[Adapter, ...] = (_lora(wrapped=True), _lora(wrapped=False))

SUBJECTS: tuple[Subject, ...] = (
    *linen.LAYERS,
    *nnx.LAYERS,
    *complex_rows.of_flax(FLAX),
    *NORMS,
    *DROPOUTS,
    *weight_norms.of_flax(FLAX),
    *ADAPTERS,
)

# -- what there is -----------------------------------------------------------------------------------------------------


def PUBLIC() -> Iterator[str]:
    """Every module class of linen and nnx, and the initialisers of both."""
    import flax.linen as nn
    from flax import nnx as new

    for prefix, namespace, kind in (("flax.linen", nn, nn.Module), ("flax.nnx", new, new.Module)):
        for name, value in vars(namespace).items():
            if inspect.isclass(value) and issubclass(value, kind) and not name.startswith("_"):
                yield f"{prefix}.{name}"
        yield from (f"{prefix}.initializers.{n}" for n in dir(namespace.initializers) if not n.startswith("_"))
    yield "flax.linen.standardize"
    yield "flax.nnx.standardize"
    yield "flax.linen.dot_product_attention"
    yield "flax.nnx.dot_product_attention"


_SAME = "the function of jax.nn, which has a row there"
_WRAPS = "wraps other modules, without parameters of its own"
_BASE = "base class"
LEFT_OUT: Mapping[str, str] = {
    "flax.*.initializers.*": "the functions of jax.nn.initializers, which have rows there",
    "flax.*.standardize": _SAME,
    "flax.*.Module": _BASE,
    "flax.*.RNNCellBase": _BASE,
    "flax.*.RNN": _WRAPS,
    "flax.*.Bidirectional": _WRAPS,
    "flax.*.Sequential": _WRAPS,
    "flax.nnx.Dict": _WRAPS,
    "flax.nnx.List": _WRAPS,
    "flax.linen.*Fp8*": "a matrix product in 8 bits, which is none of the formats tried here",
}
