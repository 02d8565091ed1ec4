"""tinygrad.nn: the default initialisation of every layer that has parameters.

The documentation of a layer is a link to torch's layer of that name, so torch's law is what it promises.
"""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Case, Sampler, Tensor
from varlaw.subjects.tinygrad.framework import (
    NO_HALF_CONSTANTS,
    TINYGRAD,
    UNSUPPORTED,
    Build,
    measure_fans,
    parameters,
    seeded,
)

_ZEROS, _ONES = "Constant(0)", "Constant(1)"


def _layer(
    name: str,
    op: str,
    build: Build,
    tensors: Mapping[str, str],
    *,
    layout: str | None = None,
    measure: Callable[[Case], tuple[float, float]] | None = None,
) -> Sampler:
    """A row for the layer that `build` makes; `layout` is that of its "weight"."""
    rows = tuple(Tensor(name=n, documented=law, layout=layout if n == "weight" else None) for n, law in tensors.items())
    draws = seeded(lambda case, dtype: parameters(build(case)))
    return Sampler(
        name=f"tinygrad.nn.{name}", framework=TINYGRAD, op=op, tensors=rows, draws=draws, measure=measure,
        unsupported=NO_HALF_CONSTANTS if _ZEROS in tensors.values() else UNSUPPORTED,
    )  # fmt: skip


def _nn(name: str) -> Any:
    import tinygrad.nn

    return getattr(tinygrad.nn, name)


def _simple(name: str, op: str, tensors: Mapping[str, str], *arguments: str) -> Sampler:
    return _layer(name, op, lambda c: _nn(name)(*(c[a] for a in arguments)), tensors)


def _linear() -> Sampler:
    def build(c: Case) -> Any:
        return _nn("Linear")(c["in_features"], c["out_features"])

    law = "Uniform(1/sqrt(in_features))"
    measure = measure_fans(build, 0, lambda c: [c["in_features"]])
    return _layer("Linear", "linear", build, {"weight": law, "bias": law}, layout="torch.linear", measure=measure)


def build_conv(name: str) -> Build:
    """A builder of tinygrad.nn's convolution `name`."""

    def build(c: Case) -> Any:
        shape = (c["in_channels"], c["out_channels"], c["kernel_size"])
        return _nn(name)(*shape, stride=c["stride"], groups=c["groups"])

    return build


def _conv(name: str, dims: int, law: str, op: str) -> Sampler:
    build = build_conv(name)
    measure = measure_fans(build, dims, lambda c: [c["in_channels"]])
    return _layer(name, op, build, {"weight": law, "bias": law}, layout=f"torch.{op}", measure=measure)


_FEATURES = ("num_features",)
_AFFINE = {"weight": _ONES, "bias": _ZEROS}
_HIDDEN = "Uniform(1/sqrt(hidden_size))"
_CELL = {"weight_ih": _HIDDEN, "weight_hh": _HIDDEN, "bias_ih": _ZEROS, "bias_hh": _ZEROS}
_RUNNING = _AFFINE | {"running_mean": _ZEROS, "running_var": _ONES}

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    *(_conv(f"Conv{d}d", d, f"Uniform(sqrt(groups/(in_channels*kernel_size**{d})))", f"conv{d}d") for d in (1, 2)),
    *(
        _conv(f"ConvTranspose{d}d", d, f"Uniform(sqrt(groups/(out_channels*kernel_size**{d})))", f"conv_transpose{d}d")
        for d in (1, 2)
    ),
    # torch's embedding is N(0, 1); here it is said in the source only, as glorot_uniform(vocab_size, embed_size).
    _simple("Embedding", "embedding", {"weight": "Normal(1)"}, "num_embeddings", "embedding_dim"),
    _simple("LSTMCell", "recurrent", _CELL, "input_size", "hidden_size"),
    *(_simple(n, "features", _RUNNING, *_FEATURES) for n in ("BatchNorm", "BatchNorm2d", "BatchNorm3d")),
    *(_simple(n, "features", _AFFINE, *_FEATURES) for n in ("InstanceNorm", "LayerNorm", "LayerNorm2d")),
    _layer("GroupNorm", "features", lambda c: _nn("GroupNorm")(1, c["num_features"]), _AFFINE),
    _simple("RMSNorm", "features", {"weight": _ONES}, *_FEATURES),
)
