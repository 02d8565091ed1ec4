"""paddle.nn: the default initialisation of every layer that has parameters, with what the documentation promises."""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.namespace import Namespace, called, convolution
from varlaw.subjects.paddle.framework import PADDLE, nn, top
from varlaw.subjects.rows import AFFINE, ONES, ZEROS, sampler
from varlaw.subjects.subject import Case, Sampler


def _running(layer: Any) -> list[Any]:
    own = dict(layer.named_parameters())
    return [own[n] for n in ("_mean", "_variance") if n in own]


def _fill_norm(layer: Any, weight: Any, bias: Any) -> None:
    """Sets weight and bias of a norm, which instance norms call scale."""
    scale = layer.weight if hasattr(layer, "weight") else layer.scale
    if scale is None:
        msg = "it has no weight by default"
        raise LookupError(msg)
    scale.set_value(weight.astype(scale.dtype))
    layer.bias.set_value(bias.astype(layer.bias.dtype))


def _evaluating(layer: Any) -> Any:
    layer.eval()
    return layer


NN = Namespace(
    of=PADDLE,
    name="paddle.nn",
    find=nn,
    parameters=lambda layer, dtype: dict(layer.named_parameters()),
    conv=lambda dims, transposed: convolution(f"Conv{dims}D{'Transpose' * transposed}"),
    running=_running,
    evaluating=_evaluating,
    fill=_fill_norm,
)
_layer, _simple = NN.layer, NN.simple


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _linear(name: str, law: str, *sizes: str, layout: str) -> Sampler:
    make = called(name, *sizes)
    return _layer(name, name.lower(), make, {"weight": law, "bias": ZEROS}, inputs=sizes[:-1], layout=layout)


def _conv(dims: int) -> Sampler:
    # Documented as Normal(0, sqrt(2/filter_elem_num)) without saying whether the filter is that of one group.
    law = f"Normal(sqrt(2/(in_channels*kernel_size**{dims})))"
    tensors, op = {"weight": law, "bias": ZEROS}, f"conv{dims}d"
    return NN.convolution(f"Conv{dims}D", op, tensors, dims, layout=f"torch.{op}")


def _conv_transpose(dims: int) -> Sampler:
    # Xavier reads the (in, out/groups, taps) weight as if it were (out, in, taps).
    receptive = f"kernel_size**{dims}"
    law = f"glorot_uniform(out_channels/groups*{receptive}, in_channels*{receptive})"
    name, op = f"Conv{dims}DTranspose", f"conv_transpose{dims}d"
    return NN.convolution(name, op, {"weight": law, "bias": ZEROS}, dims, transposed=True, layout=f"torch.{op}")


# -- recurrent and attention -------------------------------------------------------------------------------------------

_HIDDEN = "Uniform(1/sqrt(hidden_size))"
_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_RECURRENT = tuple(f"{n}_l0" for n in _CELL)


_NO_FLAT_WEIGHTS = dict.fromkeys(
    ("float16", "bfloat16"), "coalesce_tensor, which puts its weights into one, has no 16-bit kernel on the CPU"
)


def _recurrent(name: str, tensors: tuple[str, ...]) -> Sampler:
    row = _simple(name, "recurrent", dict.fromkeys(tensors, _HIDDEN), "input_size", "hidden_size")
    return replace(row, unsupported=_NO_FLAT_WEIGHTS) if tensors is _RECURRENT else row


def _around_cell(name: str, *prefixes: str) -> Sampler:
    """A wrapper that runs the cells that it is given: one for each direction."""

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(*(nn.GRUCell(c["input_size"], c["hidden_size"]) for _ in prefixes))

    return _layer(name, "recurrent", build, {f"{p}.{n}": _HIDDEN for p in prefixes for n in _CELL})


_SQUARE = "glorot_uniform(embed_dim, embed_dim)"


def _self_attention(prefix: str = "") -> dict[str, str]:
    tensors: dict[str, str] = {}
    for n in ("q_proj", "k_proj", "v_proj", "out_proj"):
        tensors |= {f"{prefix}{n}.weight": _SQUARE, f"{prefix}{n}.bias": ZEROS}
    return tensors


def _feed_forward(norms: int) -> dict[str, str]:
    tensors = {
        "linear1.weight": "glorot_uniform(embed_dim, dim_feedforward)",
        "linear1.bias": ZEROS,
        "linear2.weight": "glorot_uniform(dim_feedforward, embed_dim)",
        "linear2.bias": ZEROS,
    }
    for i in range(1, norms + 1):
        tensors |= {f"norm{i}.weight": ONES, f"norm{i}.bias": ZEROS}
    return tensors


_ENCODER_LAYER = _self_attention("self_attn.") | _feed_forward(norms=2)
_DECODER_LAYER = _self_attention("self_attn.") | _self_attention("cross_attn.") | _feed_forward(norms=3)
_BLOCK = ("embed_dim", "num_heads", "dim_feedforward")


def _separate_attention() -> Sampler:
    tensors = _self_attention() | {
        "k_proj.weight": "glorot_uniform(kdim, embed_dim)",
        "v_proj.weight": "glorot_uniform(vdim, embed_dim)",
    }

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.MultiHeadAttention(c["embed_dim"], c["num_heads"], kdim=c["kdim"], vdim=c["vdim"])

    return _layer("MultiHeadAttention(kdim)", "attention_separate", build, tensors)


def _stack(name: str, of: str, layer: Mapping[str, str], depth: int = 2) -> Sampler:
    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(getattr(nn, of)(*(c[a] for a in _BLOCK)), depth)

    tensors = {f"layers.{i}.{n}": law for i in range(depth) for n, law in layer.items()}
    return _layer(name, "transformer", build, tensors)


def _transformer() -> Sampler:
    tensors: dict[str, str] = {}
    for side, layer in (("encoder", _ENCODER_LAYER), ("decoder", _DECODER_LAYER)):
        tensors |= {f"{side}.layers.0.{n}": law for n, law in layer.items()}
        tensors |= {f"{side}.norm.weight": ONES, f"{side}.norm.bias": ZEROS}

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.Transformer(c["embed_dim"], c["num_heads"], 1, 1, c["dim_feedforward"])

    return _layer("Transformer", "transformer", build, tensors)


# -- losses with parameters, spectral normalisation --------------------------------------------------------------------


def _hierarchical() -> Sampler:
    """A tree of num_embeddings classes over features of embedding_dim: a weight row for each inner node."""

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a remark on sparse mode each time
            return nn.HSigmoidLoss(c["embedding_dim"], c["num_embeddings"])

    # Xavier takes the (nodes, features) weight for (in, out).
    tensors = {"weight": "glorot_uniform(num_embeddings - 1, embedding_dim)", "bias": ZEROS}
    return _layer("HSigmoidLoss", "embedding", build, tensors)


def _build_adaptive(c: Case) -> Any:
    """Two clusters of num_embeddings classes, the second projected to a quarter of the features."""
    return nn().AdaptiveLogSoftmaxWithLoss(c["embedding_dim"], c["num_embeddings"], [c["num_embeddings"] // 2])


def _adaptive_weights(c: Case) -> dict[str, Any]:
    """The weights that it computes with, whether it calls them parameters or not."""
    layer = _build_adaptive(c)
    tails = {f"tail_weights.{i}.{j}": w for i, pair in enumerate(layer.tail_weights) for j, w in enumerate(pair)}
    return {"head_weight": layer.head_weight, **tails}


def _adaptive() -> Sampler:
    head, tail = "num_embeddings//2 + 1", "num_embeddings - num_embeddings//2"
    laws = {
        "head_weight": f"glorot_uniform(embedding_dim, {head})",
        "tail_weights.0.0": "glorot_uniform(embedding_dim, embedding_dim//4)",
        "tail_weights.0.1": f"glorot_uniform(embedding_dim//4, {tail})",
    }
    return sampler(
        PADDLE,
        "paddle.nn.AdaptiveLogSoftmaxWithLoss",
        "adaptive_softmax",
        lambda case, dtype, device: _adaptive_weights(case),
        laws,
    )


def _adaptive_registered() -> Sampler:
    """The share of its weights that an optimiser is given: all, as of any layer."""

    def share(case: Case, dtype: str, device: str) -> dict[str, Any]:
        registered = len(_build_adaptive(case).parameters())
        return {"": top("full")([1], registered / len(_adaptive_weights(case)), dtype="float64")}

    name = "paddle.nn.AdaptiveLogSoftmaxWithLoss.parameters"
    once = dict.fromkeys(("float64", "float16", "bfloat16"), "what is a parameter does not depend on the dtype")
    return sampler(PADDLE, name, "adaptive_softmax", share, {"": ONES}, unsupported=once)


def _spectral() -> Sampler:
    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.SpectralNorm([c["out_features"], c["in_features"]])

    tensors = {"weight_u": "Normal(1)", "weight_v": "Normal(1)"}
    dtypes = dict.fromkeys(("float64", "float16", "bfloat16"), "SpectralNorm creates its vectors in float32")
    return _layer("SpectralNorm", "linear", build, tensors, unsupported=dtypes)


# -- the table ---------------------------------------------------------------------------------------------------------

_RUNNING = AFFINE | {"_mean": ZEROS, "_variance": ONES}  # not trainable, but parameters to Paddle
_EMBEDDING = {"weight": "glorot_uniform(num_embeddings, embedding_dim)"}

LAYERS: tuple[Sampler, ...] = (
    _linear(
        "Linear", "glorot_uniform(in_features, out_features)", "in_features", "out_features", layout="paddle.linear"
    ),
    # Xavier reads the (out, in1, in2) weight as a one-dimensional convolution with in2 taps.
    _linear(
        "Bilinear",
        "glorot_uniform(in1_features*in2_features, out_features*in2_features)",
        "in1_features",
        "in2_features",
        "out_features",
        layout="torch.bilinear",
    ),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    _simple("Embedding", "embedding", _EMBEDDING, "num_embeddings", "embedding_dim"),
    *(_recurrent(n, _RECURRENT) for n in ("SimpleRNN", "LSTM", "GRU")),
    *(_recurrent(n, _CELL) for n in ("SimpleRNNCell", "LSTMCell", "GRUCell")),
    _around_cell("RNN", "cell"),
    _around_cell("BiRNN", "cell_fw", "cell_bw"),
    _simple("MultiHeadAttention", "attention", _self_attention(), "embed_dim", "num_heads"),
    _separate_attention(),
    _simple("TransformerEncoderLayer", "transformer", _ENCODER_LAYER, *_BLOCK),
    _simple("TransformerDecoderLayer", "transformer", _DECODER_LAYER, *_BLOCK),
    _stack("TransformerEncoder", "TransformerEncoderLayer", _ENCODER_LAYER),
    _stack("TransformerDecoder", "TransformerDecoderLayer", _DECODER_LAYER),
    _transformer(),
    _hierarchical(),
    _adaptive(),
    _adaptive_registered(),
    _spectral(),
    _simple("PReLU", "features", {"_weight": "Constant(0.25)"}, "num_features"),
    *(_simple(n, "features", _RUNNING, "num_features") for n in ("BatchNorm", "SyncBatchNorm")),
    *(_simple(f"BatchNorm{d}D", "features", _RUNNING, "num_features") for d in (1, 2, 3)),
    *(_simple(f"InstanceNorm{d}D", "features", {"scale": ONES, "bias": ZEROS}, "num_features") for d in (1, 2, 3)),
    _layer("GroupNorm", "features", lambda nn, c, f: nn.GroupNorm(1, c["num_features"]), AFFINE),
    _simple("LayerNorm", "features", AFFINE, "num_features"),
)
