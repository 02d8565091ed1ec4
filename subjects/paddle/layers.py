"""paddle.nn: the default initialisation of every layer that has parameters, with what the documentation promises."""

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.paddle.framework import PADDLE, Build, measure_fans, nn, seeded, top
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
    unsupported: Mapping[str, str] | None = None,
) -> Sampler:
    """A row for the layer that `build` makes; `layout` is that of its "weight"."""
    rows = tuple(Tensor(name=n, documented=law, layout=layout if n == "weight" else None) for n, law in tensors.items())
    draws = seeded(lambda case, dtype: dict(build(case).named_parameters()))
    return Sampler(
        name=f"paddle.nn.{name}", framework=PADDLE, op=op, tensors=rows, draws=draws, measure=measure,
        unsupported=unsupported or {},
    )  # fmt: skip


def _simple(name: str, op: str, tensors: Mapping[str, str], *arguments: str, **fixed: Any) -> Sampler:
    """A layer without a linear map of its own whose constructor takes `arguments` of the case by position."""
    return _layer(name, op, lambda c: nn(name)(*(c[a] for a in arguments), **fixed), tensors)


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _linear() -> Sampler:
    def build(c: Case) -> Any:
        return nn("Linear")(c["in_features"], c["out_features"])

    tensors = {"weight": "glorot_uniform(in_features, out_features)", "bias": _ZEROS}
    measure = measure_fans(build, 0, lambda c: [c["in_features"]])
    return _layer("Linear", "linear", build, tensors, layout="paddle.linear", measure=measure)


def _bilinear() -> Sampler:
    def build(c: Case) -> Any:
        return nn("Bilinear")(c["in1_features"], c["in2_features"], c["out_features"])

    # Xavier reads the (out, in1, in2) weight as a one-dimensional convolution with in2 taps.
    law = "glorot_uniform(in1_features*in2_features, out_features*in2_features)"
    measure = measure_fans(build, 0, lambda c: [c["in1_features"], c["in2_features"]])
    tensors = {"weight": law, "bias": _ZEROS}
    return _layer("Bilinear", "bilinear", build, tensors, layout="torch.bilinear", measure=measure)


def build_conv(name: str) -> Build:
    """A builder of paddle.nn's convolution `name`."""

    def build(c: Case) -> Any:
        shape = (c["in_channels"], c["out_channels"], c["kernel_size"])
        return nn(name)(*shape, stride=c["stride"], groups=c["groups"])

    return build


def _conv(dims: int) -> Sampler:
    build = build_conv(f"Conv{dims}D")
    # Documented as Normal(0, sqrt(2/filter_elem_num)) without saying whether the filter is that of one group.
    law = f"Normal(sqrt(2/(in_channels*kernel_size**{dims})))"
    measure = measure_fans(build, dims, lambda c: [c["in_channels"]])
    tensors = {"weight": law, "bias": _ZEROS}
    return _layer(f"Conv{dims}D", f"conv{dims}d", build, tensors, layout=f"torch.conv{dims}d", measure=measure)


def _conv_transpose(dims: int) -> Sampler:
    build = build_conv(f"Conv{dims}DTranspose")
    # Xavier reads the (in, out/groups, taps) weight as if it were (out, in, taps).
    receptive = f"kernel_size**{dims}"
    law = f"glorot_uniform(out_channels/groups*{receptive}, in_channels*{receptive})"
    measure = measure_fans(build, dims, lambda c: [c["in_channels"]])
    tensors, layout = {"weight": law, "bias": _ZEROS}, f"torch.conv_transpose{dims}d"
    op = f"conv_transpose{dims}d"
    return _layer(f"Conv{dims}DTranspose", op, build, tensors, layout=layout, measure=measure)


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

    def build(c: Case) -> Any:
        return nn(name)(*(nn("GRUCell")(c["input_size"], c["hidden_size"]) for _ in prefixes))

    return _layer(name, "recurrent", build, {f"{p}.{n}": _HIDDEN for p in prefixes for n in _CELL})


_SQUARE = "glorot_uniform(embed_dim, embed_dim)"


def _self_attention(prefix: str = "") -> dict[str, str]:
    tensors: dict[str, str] = {}
    for n in ("q_proj", "k_proj", "v_proj", "out_proj"):
        tensors |= {f"{prefix}{n}.weight": _SQUARE, f"{prefix}{n}.bias": _ZEROS}
    return tensors


def _feed_forward(norms: int) -> dict[str, str]:
    tensors = {
        "linear1.weight": "glorot_uniform(embed_dim, dim_feedforward)",
        "linear1.bias": _ZEROS,
        "linear2.weight": "glorot_uniform(dim_feedforward, embed_dim)",
        "linear2.bias": _ZEROS,
    }
    for i in range(1, norms + 1):
        tensors |= {f"norm{i}.weight": _ONES, f"norm{i}.bias": _ZEROS}
    return tensors


_ENCODER_LAYER = _self_attention("self_attn.") | _feed_forward(norms=2)
_DECODER_LAYER = _self_attention("self_attn.") | _self_attention("cross_attn.") | _feed_forward(norms=3)
_BLOCK = ("embed_dim", "num_heads", "dim_feedforward")


def _separate_attention() -> Sampler:
    tensors = _self_attention() | {
        "k_proj.weight": "glorot_uniform(kdim, embed_dim)",
        "v_proj.weight": "glorot_uniform(vdim, embed_dim)",
    }

    def build(c: Case) -> Any:
        return nn("MultiHeadAttention")(c["embed_dim"], c["num_heads"], kdim=c["kdim"], vdim=c["vdim"])

    return _layer("MultiHeadAttention(kdim)", "attention_separate", build, tensors)


def _stack(name: str, of: str, layer: Mapping[str, str], depth: int = 2) -> Sampler:
    def build(c: Case) -> Any:
        return nn(name)(nn(of)(*(c[a] for a in _BLOCK)), depth)

    tensors = {f"layers.{i}.{n}": law for i in range(depth) for n, law in layer.items()}
    return _layer(name, "transformer", build, tensors)


def _transformer() -> Sampler:
    tensors: dict[str, str] = {}
    for side, layer in (("encoder", _ENCODER_LAYER), ("decoder", _DECODER_LAYER)):
        tensors |= {f"{side}.layers.0.{n}": law for n, law in layer.items()}
        tensors |= {f"{side}.norm.weight": _ONES, f"{side}.norm.bias": _ZEROS}

    def build(c: Case) -> Any:
        return nn("Transformer")(c["embed_dim"], c["num_heads"], 1, 1, c["dim_feedforward"])

    return _layer("Transformer", "transformer", build, tensors)


# -- losses with parameters, spectral normalisation --------------------------------------------------------------------


def _hierarchical() -> Sampler:
    """A tree of num_embeddings classes over features of embedding_dim: a weight row for each inner node."""

    def build(c: Case) -> Any:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a remark on sparse mode each time
            return nn("HSigmoidLoss")(c["embedding_dim"], c["num_embeddings"])

    # Xavier takes the (nodes, features) weight for (in, out).
    tensors = {"weight": "glorot_uniform(num_embeddings - 1, embedding_dim)", "bias": _ZEROS}
    return _layer("HSigmoidLoss", "embedding", build, tensors)


def _build_adaptive(c: Case) -> Any:
    """Two clusters of num_embeddings classes, the second projected to a quarter of the features."""
    return nn("AdaptiveLogSoftmaxWithLoss")(c["embedding_dim"], c["num_embeddings"], [c["num_embeddings"] // 2])


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
    return Sampler(
        name="paddle.nn.AdaptiveLogSoftmaxWithLoss",
        framework=PADDLE,
        op="adaptive_softmax",
        tensors=tuple(Tensor(name=n, documented=law) for n, law in laws.items()),
        draws=seeded(lambda case, dtype: _adaptive_weights(case)),
    )


def _adaptive_registered() -> Sampler:
    """The share of its weights that an optimiser is given: all, as of any layer."""

    def share(case: Case, dtype: str) -> dict[str, Any]:
        registered = len(_build_adaptive(case).parameters())
        return {"": top("full")([1], registered / len(_adaptive_weights(case)), dtype="float64")}

    return Sampler(
        name="paddle.nn.AdaptiveLogSoftmaxWithLoss.parameters",
        framework=PADDLE,
        op="adaptive_softmax",
        tensors=(Tensor(name="", documented=_ONES),),
        draws=seeded(share),
        unsupported=dict.fromkeys(
            ("float64", "float16", "bfloat16"), "what is a parameter does not depend on the dtype"
        ),
    )


def _spectral() -> Sampler:
    def build(c: Case) -> Any:
        return nn("SpectralNorm")([c["out_features"], c["in_features"]])

    tensors = {"weight_u": "Normal(1)", "weight_v": "Normal(1)"}
    dtypes = dict.fromkeys(("float64", "float16", "bfloat16"), "SpectralNorm creates its vectors in float32")
    return _layer("SpectralNorm", "linear", build, tensors, unsupported=dtypes)


# -- the table ---------------------------------------------------------------------------------------------------------

_AFFINE = {"weight": _ONES, "bias": _ZEROS}
_RUNNING = _AFFINE | {"_mean": _ZEROS, "_variance": _ONES}  # not trainable, but parameters to Paddle
_EMBEDDING = {"weight": "glorot_uniform(num_embeddings, embedding_dim)"}

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    _bilinear(),
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
    *(_simple(f"InstanceNorm{d}D", "features", {"scale": _ONES, "bias": _ZEROS}, "num_features") for d in (1, 2, 3)),
    _layer("GroupNorm", "features", lambda c: nn("GroupNorm")(1, c["num_features"]), _AFFINE),
    _simple("LayerNorm", "features", _AFFINE, "num_features"),
)
