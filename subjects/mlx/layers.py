"""mlx.nn: the default initialisation of every layer that has parameters, with what the documentation promises.

Layers take no dtype: they draw in float32 and are cast by `set_dtype`, which is how MLX users get a 16-bit model.
"""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.mlx.framework import FLOAT32_FIRST, MLX, Build, measure_fans, parameters, seeded
from varlaw.subjects.subject import Case, Sampler, Tensor

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
    draws = seeded(lambda case, dtype: parameters(build(case), dtype))
    fixed = all(law.startswith("Constant") for law in tensors.values())
    return Sampler(
        name=f"mlx.nn.{name}", framework=MLX, op=op, tensors=rows, draws=draws, measure=measure,
        unsupported={} if fixed else FLOAT32_FIRST,
    )  # fmt: skip


def _nn(name: str) -> Any:
    import mlx.nn

    return getattr(mlx.nn, name)


def _simple(name: str, op: str, tensors: Mapping[str, str], *arguments: str, **fixed: Any) -> Sampler:
    """A layer without a linear map of its own whose constructor takes `arguments` of the case by position."""
    return _layer(name, op, lambda c: _nn(name)(*(c[a] for a in arguments), **fixed), tensors)


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _linear(name: str = "Linear") -> Sampler:
    def build(c: Case) -> Any:
        return _nn(name)(c["in_features"], c["out_features"])

    law = "Uniform(1/sqrt(in_features))"
    measure = measure_fans(build, 0, lambda c: [c["in_features"]])
    return _layer(name, "linear", build, {"weight": law, "bias": law}, layout="mlx.linear", measure=measure)


def _bilinear() -> Sampler:
    def build(c: Case) -> Any:
        return _nn("Bilinear")(c["in1_features"], c["in2_features"], c["out_features"])

    law = "Uniform(1/sqrt(in1_features))"
    measure = measure_fans(build, 0, lambda c: [c["in1_features"], c["in2_features"]])
    return _layer("Bilinear", "bilinear", build, {"weight": law, "bias": law}, layout="mlx.bilinear", measure=measure)


def build_conv(name: str) -> Build:
    """A builder of mlx.nn's convolution `name`; groups are passed where there are any."""

    def build(c: Case) -> Any:
        groups = {"groups": c["groups"]} if c["groups"] > 1 else {}
        return _nn(name)(c["in_channels"], c["out_channels"], c["kernel_size"], stride=c["stride"], **groups)

    return build


def _conv(dims: int) -> Sampler:
    build = build_conv(f"Conv{dims}d")
    # The documentation names no law; the bound is the one of the sources, 1/sqrt(terms in an output).
    law = f"Uniform(sqrt(groups/(in_channels*kernel_size**{dims})))"
    measure = measure_fans(build, dims, lambda c: [c["in_channels"]])
    tensors = {"weight": law, "bias": _ZEROS}
    op = f"conv{dims}d" if dims < 3 else "conv3d_ungrouped"  # mlx.nn.Conv3d takes no groups
    return _layer(f"Conv{dims}d", op, build, tensors, layout="mlx.conv", measure=measure)


def _conv_transpose(dims: int) -> Sampler:
    build = build_conv(f"ConvTranspose{dims}d")
    # Written with C_in k^d where the true fan_in is C_in k^d / stride^d.
    law = f"Uniform(sqrt(1/(in_channels*kernel_size**{dims})))"
    measure = measure_fans(build, dims, lambda c: [c["in_channels"]])
    name, tensors = f"ConvTranspose{dims}d", {"weight": law, "bias": _ZEROS}
    op = f"conv_transpose{dims}d_ungrouped"
    return _layer(name, op, build, tensors, layout="mlx.conv_transpose", measure=measure)


# -- recurrent and attention -------------------------------------------------------------------------------------------

_HIDDEN = "Uniform(1/sqrt(hidden_size))"


def _recurrent(name: str, *tensors: str) -> Sampler:
    return _simple(name, "recurrent", dict.fromkeys(tensors, _HIDDEN), "input_size", "hidden_size")


_DEFAULT_LINEAR = "Uniform(1/sqrt(embed_dim))"
_PROJECTIONS = ("query_proj", "key_proj", "value_proj", "out_proj")


def _self_attention(prefix: str = "") -> dict[str, str]:
    return {f"{prefix}{n}.weight": _DEFAULT_LINEAR for n in _PROJECTIONS}


def _feed_forward(prefix: str, norms: int) -> dict[str, str]:
    tensors = {
        f"{prefix}linear1.weight": _DEFAULT_LINEAR,
        f"{prefix}linear1.bias": _DEFAULT_LINEAR,
        f"{prefix}linear2.weight": "Uniform(1/sqrt(dim_feedforward))",
        f"{prefix}linear2.bias": "Uniform(1/sqrt(dim_feedforward))",
    }
    for i in range(1, norms + 1):
        tensors |= {f"{prefix}ln{i}.weight": _ONES, f"{prefix}ln{i}.bias": _ZEROS}
    return tensors


_ENCODER_LAYER = _self_attention("attention.") | _feed_forward("", norms=2)
_DECODER_LAYER = _self_attention("self_attention.") | _self_attention("cross_attention.") | _feed_forward("", norms=3)
_BLOCK = ("embed_dim", "num_heads", "dim_feedforward")
_DEPTH = 2


def _stacked(layer: Mapping[str, str], prefix: str = "", depth: int = _DEPTH) -> dict[str, str]:
    tensors = {f"{prefix}layers.{i}.{n}": law for i in range(depth) for n, law in layer.items()}
    return tensors | {f"{prefix}ln.weight": _ONES, f"{prefix}ln.bias": _ZEROS}


def _stack(name: str, layer: Mapping[str, str]) -> Sampler:
    return _layer(name, "transformer", lambda c: _nn(name)(_DEPTH, *(c[a] for a in _BLOCK)), _stacked(layer))


def _transformer() -> Sampler:
    tensors = _stacked(_ENCODER_LAYER, "encoder.", 1) | _stacked(_DECODER_LAYER, "decoder.", 1)

    def build(c: Case) -> Any:
        return _nn("Transformer")(c["embed_dim"], c["num_heads"], 1, 1, c["dim_feedforward"])

    return _layer("Transformer", "transformer", build, tensors)


# -- the table ---------------------------------------------------------------------------------------------------------

_AFFINE = {"weight": _ONES, "bias": _ZEROS}
_RUNNING = {"running_mean": _ZEROS, "running_var": _ONES}  # frozen, but parameters to MLX

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    _linear("AllToShardedLinear"),  # in a group of one process
    _linear("ShardedToAllLinear"),
    _bilinear(),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    _simple("Embedding", "embedding", {"weight": "Normal(1/sqrt(embedding_dim))"}, "num_embeddings", "embedding_dim"),
    _recurrent("RNN", "Wxh", "Whh", "bias"),
    _recurrent("LSTM", "Wx", "Wh", "bias"),
    _recurrent("GRU", "Wx", "Wh", "b", "bhn"),
    _simple("MultiHeadAttention", "attention", _self_attention(), "embed_dim", "num_heads"),
    _simple("TransformerEncoderLayer", "transformer", _ENCODER_LAYER, *_BLOCK),
    _simple("TransformerDecoderLayer", "transformer", _DECODER_LAYER, *_BLOCK),
    _stack("TransformerEncoder", _ENCODER_LAYER),
    _stack("TransformerDecoder", _DECODER_LAYER),
    _transformer(),
    _simple("PReLU", "features", {"weight": "Constant(0.25)"}, "num_features"),
    _simple("BatchNorm", "features", _AFFINE | _RUNNING, "num_features"),
    _simple("InstanceNorm", "features", _AFFINE, "num_features", affine=True),
    _layer("GroupNorm", "features", lambda c: _nn("GroupNorm")(1, c["num_features"]), _AFFINE),
    _simple("LayerNorm", "features", _AFFINE, "num_features"),
    _simple("RMSNorm", "features", {"weight": _ONES}, "num_features"),
)
