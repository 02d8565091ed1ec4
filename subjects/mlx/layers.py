"""mlx.nn: the default initialisation of every layer that has parameters, with what the documentation promises.

Layers take no dtype: they draw in float32 and are cast by `set_dtype`, which is how MLX users get a 16-bit model.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from varlaw.subjects.mlx.framework import FLOAT32_FIRST, MLX, parameters
from varlaw.subjects.namespace import Namespace, called
from varlaw.subjects.norm_rows import RUNNING
from varlaw.subjects.rows import AFFINE, ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler


def _nn() -> Any:
    import mlx.nn

    return mlx.nn


def _cast(layer: Any, x: Any) -> Any:
    layer.set_dtype(x.dtype)
    return layer


def _unsupported(laws: Iterable[str]) -> Mapping[str, str]:
    return {} if all(law.startswith("Constant") for law in laws) else FLOAT32_FIRST


def _fill_norm(layer: Any, weight: Any, bias: Any) -> None:
    """Sets the weight of a norm, and the bias where it has one."""
    if "weight" not in layer:
        msg = "it has no weight by default"
        raise LookupError(msg)
    layer.weight = weight
    if "bias" in layer:
        layer.bias = bias


NN = Namespace(
    of=MLX,
    name="mlx.nn",
    find=_nn,
    parameters=parameters,
    like=_cast,
    running=lambda layer: [layer[n] for n in RUNNING if n in layer],
    evaluating=lambda layer: layer.eval(),
    fill=_fill_norm,
    channels_last=True,
    unsupported=_unsupported,
)
_layer, _simple = NN.layer, NN.simple


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _linear(name: str, *sizes: str) -> Sampler:
    law = f"Uniform(1/sqrt({sizes[0]}))"
    op = "linear" if len(sizes) == 2 else "bilinear"
    return _layer(name, op, called(name, *sizes), {"weight": law, "bias": law}, inputs=sizes[:-1], layout=f"mlx.{op}")


def _conv(dims: int) -> Sampler:
    # The documentation names no law; the bound is the one of the sources, 1/sqrt(terms in an output).
    law = f"Uniform(sqrt(groups/(in_channels*kernel_size**{dims})))"
    op = f"conv{dims}d" if dims < 3 else "conv3d_ungrouped"  # mlx.nn.Conv3d takes no groups
    return NN.convolution(f"Conv{dims}d", op, {"weight": law, "bias": ZEROS}, dims, layout="mlx.conv")


def _conv_transpose(dims: int) -> Sampler:
    # Written with C_in k^d where the true fan_in is C_in k^d / stride^d.
    tensors = {"weight": f"Uniform(sqrt(1/(in_channels*kernel_size**{dims})))", "bias": ZEROS}
    name, op = f"ConvTranspose{dims}d", f"conv_transpose{dims}d_ungrouped"
    return NN.convolution(name, op, tensors, dims, transposed=True, layout="mlx.conv_transpose")


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
        tensors |= {f"{prefix}ln{i}.weight": ONES, f"{prefix}ln{i}.bias": ZEROS}
    return tensors


_ENCODER_LAYER = _self_attention("attention.") | _feed_forward("", norms=2)
_DECODER_LAYER = _self_attention("self_attention.") | _self_attention("cross_attention.") | _feed_forward("", norms=3)
_BLOCK = ("embed_dim", "num_heads", "dim_feedforward")
_DEPTH = 2


def _stacked(layer: Mapping[str, str], prefix: str = "", depth: int = _DEPTH) -> dict[str, str]:
    tensors = {f"{prefix}layers.{i}.{n}": law for i in range(depth) for n, law in layer.items()}
    return tensors | {f"{prefix}ln.weight": ONES, f"{prefix}ln.bias": ZEROS}


def _stack(name: str, layer: Mapping[str, str]) -> Sampler:
    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(_DEPTH, *(c[a] for a in _BLOCK))

    return _layer(name, "transformer", build, _stacked(layer))


def _transformer() -> Sampler:
    tensors = _stacked(_ENCODER_LAYER, "encoder.", 1) | _stacked(_DECODER_LAYER, "decoder.", 1)

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.Transformer(c["embed_dim"], c["num_heads"], 1, 1, c["dim_feedforward"])

    return _layer("Transformer", "transformer", build, tensors)


# -- the table ---------------------------------------------------------------------------------------------------------

_STATISTICS = {"running_mean": ZEROS, "running_var": ONES}  # frozen, but parameters to MLX

LAYERS: tuple[Sampler, ...] = (
    _linear("Linear", "in_features", "out_features"),
    _linear("AllToShardedLinear", "in_features", "out_features"),  # in a group of one process
    _linear("ShardedToAllLinear", "in_features", "out_features"),
    _linear("Bilinear", "in1_features", "in2_features", "out_features"),
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
    _simple("BatchNorm", "features", AFFINE | _STATISTICS, "num_features"),
    _simple("InstanceNorm", "features", AFFINE, "num_features", affine=True),
    _layer("GroupNorm", "features", lambda nn, c, f: nn.GroupNorm(1, c["num_features"]), AFFINE),
    _simple("LayerNorm", "features", AFFINE, "num_features"),
    _simple("RMSNorm", "features", {"weight": ONES}, "num_features"),
)
