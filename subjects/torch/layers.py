"""torch.nn: the default initialisation of every layer that has parameters, with what the documentation promises."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Case, Sampler, Tensor
from varlaw.subjects.torch.framework import TORCH, measure_fans, seeded

Build = Callable[[Case, dict[str, Any]], Any]
Measure = Callable[[Case], tuple[float, float]]

_ZEROS, _ONES = "Constant(0)", "Constant(1)"


def _layer(
    name: str,
    op: str,
    build: Build,
    tensors: Mapping[str, str],
    *,
    layout: str | None = None,
    measure: Measure | None = None,
    claims: Mapping[str, Mapping[str, str]] | None = None,
) -> Sampler:
    """A row for the layer that `build` makes; `layout` is that of its "weight", `claims` go by tensor."""

    def parameters(case: Case, factory: dict[str, Any]) -> Mapping[str, Any]:
        return {n: p.detach() for n, p in build(case, factory).named_parameters()}

    rows = tuple(
        Tensor(name=n, documented=law, layout=layout if n == "weight" else None, claims=(claims or {}).get(n, {}))
        for n, law in tensors.items()
    )
    draws = seeded(parameters)
    return Sampler(name=f"torch.nn.{name}", framework=TORCH, op=op, tensors=rows, draws=draws, measure=measure)


def _simple(name: str, op: str, tensors: Mapping[str, str], *arguments: str, **fixed: Any) -> Sampler:
    """A layer without a linear map of its own whose constructor takes `arguments` of the case by position."""
    return _layer(name, op, lambda c, f: _nn(name)(*(c[a] for a in arguments), **fixed, **f), tensors)


def _nn(name: str) -> Any:
    import torch

    return getattr(torch.nn, name)


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _linear() -> Sampler:
    def build(c: Case, f: dict[str, Any]) -> Any:
        return _nn("Linear")(c["in_features"], c["out_features"], **f)

    law = "Uniform(1/sqrt(in_features))"
    measure = measure_fans(build, 0, lambda c: [c["in_features"]])
    return _layer("Linear", "linear", build, {"weight": law, "bias": law}, layout="torch.linear", measure=measure)


def _bilinear() -> Sampler:
    def build(c: Case, f: dict[str, Any]) -> Any:
        return _nn("Bilinear")(c["in1_features"], c["in2_features"], c["out_features"], **f)

    law = "Uniform(1/sqrt(in1_features))"
    measure = measure_fans(build, 0, lambda c: [c["in1_features"], c["in2_features"]])
    return _layer("Bilinear", "bilinear", build, {"weight": law, "bias": law}, layout="torch.bilinear", measure=measure)


def build_conv(name: str) -> Build:
    """A builder of torch.nn's convolution `name`."""

    def build(c: Case, f: dict[str, Any]) -> Any:
        shape = (c["in_channels"], c["out_channels"], c["kernel_size"])
        return _nn(name)(*shape, stride=c["stride"], groups=c["groups"], **f)

    return build


def _conv(dims: int) -> Sampler:
    build = build_conv(f"Conv{dims}d")
    # The documentation's k = groups / (C_in * prod(kernel_size)); weights and biases ~ U(-sqrt(k), sqrt(k)).
    law = f"Uniform(sqrt(groups/(in_channels*kernel_size**{dims})))"
    measure = measure_fans(build, dims, lambda c: [c["in_channels"]])
    tensors = {"weight": law, "bias": law}
    return _layer(f"Conv{dims}d", f"conv{dims}d", build, tensors, layout=f"torch.conv{dims}d", measure=measure)


def _conv_transpose(dims: int) -> Sampler:
    build = build_conv(f"ConvTranspose{dims}d")
    # Documented with C_out where the true fan_in has C_in / stride^dims.
    law = f"Uniform(sqrt(groups/(out_channels*kernel_size**{dims})))"
    measure = measure_fans(build, dims, lambda c: [c["in_channels"]])
    name, tensors = f"ConvTranspose{dims}d", {"weight": law, "bias": law}
    op, layout = f"conv_transpose{dims}d", f"torch.conv_transpose{dims}d"
    return _layer(name, op, build, tensors, layout=layout, measure=measure)


# -- recurrent and attention -------------------------------------------------------------------------------------------

_HIDDEN = "Uniform(1/sqrt(hidden_size))"
_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_RECURRENT = tuple(f"{kind}_l0" for kind in _KINDS)


# What a unit adds up from the inputs keeps their second moment with a variance of 1/input_size.
_FROM_INPUTS = {"init.true_fan": "Uniform(sqrt(3/input_size))"}


def _recurrent(name: str, tensors: tuple[str, ...]) -> Sampler:
    laws, claims = dict.fromkeys(tensors, _HIDDEN), {tensors[0]: _FROM_INPUTS}
    return _layer(
        name, "recurrent", lambda c, f: _nn(name)(c["input_size"], c["hidden_size"], **f), laws, claims=claims
    )


def _deep_recurrent(name: str, **options: Any) -> Sampler:
    """Two layers in both directions; a projected LSTM passes on half of its units."""

    def build(c: Case, f: dict[str, Any]) -> Any:
        half = {"proj_size": c["hidden_size"] // 2} if "proj_size" in options else {}
        fields = {**half, "num_layers": 2, "bidirectional": True}
        return _nn(name)(c["input_size"], c["hidden_size"], **fields, **f)

    kinds = (*_KINDS, *(("weight_hr",) if "proj_size" in options else ()))
    laws = {f"{kind}_l{i}{way}": _HIDDEN for i in (0, 1) for way in ("", "_reverse") for kind in kinds}
    return _layer(f"{name}({', '.join(('num_layers=2', *options))})", "recurrent", build, laws)


_DEFAULT_LINEAR = "Uniform(1/sqrt(embed_dim))"


def _self_attention(prefix: str = "") -> dict[str, str]:
    return {
        f"{prefix}in_proj_weight": "glorot_uniform(embed_dim, 3*embed_dim)",  # the packed matrix, as it is stored
        f"{prefix}in_proj_bias": _ZEROS,
        f"{prefix}out_proj.weight": _DEFAULT_LINEAR,
        f"{prefix}out_proj.bias": _ZEROS,
    }


def _separate_attention() -> Sampler:
    """Keys and values of another width: torch then keeps three matrices, each with Xavier of its own."""
    tensors = {
        "q_proj_weight": "glorot_uniform(embed_dim, embed_dim)",
        "k_proj_weight": "glorot_uniform(kdim, embed_dim)",
        "v_proj_weight": "glorot_uniform(vdim, embed_dim)",
        "in_proj_bias": _ZEROS,
        "bias_k": "glorot_normal(embed_dim, embed_dim)",
        "bias_v": "glorot_normal(embed_dim, embed_dim)",
        "out_proj.weight": _DEFAULT_LINEAR,
        "out_proj.bias": _ZEROS,
    }

    def build(c: Case, f: dict[str, Any]) -> Any:
        widths = {"kdim": c["kdim"], "vdim": c["vdim"]}
        return _nn("MultiheadAttention")(c["embed_dim"], c["num_heads"], add_bias_kv=True, **widths, **f)

    return _layer("MultiheadAttention(kdim)", "attention_separate", build, tensors)


def _attention() -> Sampler:
    def build(c: Case, f: dict[str, Any]) -> Any:
        return _nn("MultiheadAttention")(c["embed_dim"], c["num_heads"], **f)

    per_matrix = {"in_proj_weight": {"init.per_matrix": "glorot_uniform(embed_dim, embed_dim)"}}
    return _layer("MultiheadAttention", "attention", build, _self_attention(), claims=per_matrix)


def _feed_forward(prefix: str, norms: int) -> dict[str, str]:
    tensors = {
        f"{prefix}linear1.weight": _DEFAULT_LINEAR,
        f"{prefix}linear1.bias": _DEFAULT_LINEAR,
        f"{prefix}linear2.weight": "Uniform(1/sqrt(dim_feedforward))",
        f"{prefix}linear2.bias": "Uniform(1/sqrt(dim_feedforward))",
    }
    for i in range(1, norms + 1):
        tensors |= {f"{prefix}norm{i}.weight": _ONES, f"{prefix}norm{i}.bias": _ZEROS}
    return tensors


_ENCODER_LAYER = _self_attention("self_attn.") | _feed_forward("", norms=2)
_DECODER_LAYER = _self_attention("self_attn.") | _self_attention("multihead_attn.") | _feed_forward("", norms=3)
_BLOCK = ("embed_dim", "num_heads", "dim_feedforward")


def _stack(name: str, of: str, layer: Mapping[str, str], depth: int = 2) -> Sampler:
    def build(c: Case, f: dict[str, Any]) -> Any:
        return _nn(name)(_nn(of)(*(c[a] for a in _BLOCK), **f), num_layers=depth)

    tensors = {f"layers.{i}.{n}": law for i in range(depth) for n, law in layer.items()}
    return _layer(name, "transformer", build, tensors)


def _transformer() -> Sampler:
    """`nn.Transformer` draws every matrix again by Xavier after its layers have drawn theirs."""
    shapes = {
        "in_proj_weight": "glorot_uniform(embed_dim, 3*embed_dim)",
        "out_proj.weight": "glorot_uniform(embed_dim, embed_dim)",
        "linear1.weight": "glorot_uniform(embed_dim, dim_feedforward)",
        "linear2.weight": "glorot_uniform(dim_feedforward, embed_dim)",
    }

    def redrawn(name: str, law: str) -> str:
        return next((shapes[s] for s in shapes if name.endswith(s)), law)

    layers = {f"encoder.layers.0.{n}": redrawn(n, law) for n, law in _ENCODER_LAYER.items()}
    layers |= {"encoder.norm.weight": _ONES, "encoder.norm.bias": _ZEROS}
    layers |= {f"decoder.layers.0.{n}": redrawn(n, law) for n, law in _DECODER_LAYER.items()}
    layers |= {"decoder.norm.weight": _ONES, "decoder.norm.bias": _ZEROS}
    depth = {"num_encoder_layers": 1, "num_decoder_layers": 1}

    def build(c: Case, f: dict[str, Any]) -> Any:
        return _nn("Transformer")(c["embed_dim"], c["num_heads"], dim_feedforward=c["dim_feedforward"], **depth, **f)

    return _layer("Transformer", "transformer", build, layers)


# -- the table ---------------------------------------------------------------------------------------------------------

_EMBEDDING = ("num_embeddings", "embedding_dim")
_AFFINE = {"weight": _ONES, "bias": _ZEROS}

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    _bilinear(),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    _simple("Embedding", "embedding", {"weight": "Normal(1)"}, *_EMBEDDING),
    _simple("EmbeddingBag", "embedding", {"weight": "Normal(1)"}, *_EMBEDDING),
    *(_recurrent(n, _RECURRENT) for n in ("RNN", "LSTM", "GRU")),
    *(_recurrent(n, _KINDS) for n in ("RNNCell", "LSTMCell", "GRUCell")),
    *(_deep_recurrent(n) for n in ("RNN", "LSTM", "GRU")),
    _deep_recurrent("LSTM", proj_size=True),
    _attention(),
    _separate_attention(),
    _simple("TransformerEncoderLayer", "transformer", _ENCODER_LAYER, *_BLOCK),
    _simple("TransformerDecoderLayer", "transformer", _DECODER_LAYER, *_BLOCK),
    _stack("TransformerEncoder", "TransformerEncoderLayer", _ENCODER_LAYER),
    _stack("TransformerDecoder", "TransformerDecoderLayer", _DECODER_LAYER),
    _transformer(),
    _simple("PReLU", "features", {"weight": "Constant(0.25)"}, "num_features"),
    *(_simple(f"BatchNorm{d}d", "features", _AFFINE, "num_features") for d in (1, 2, 3)),
    *(_simple(f"InstanceNorm{d}d", "features", _AFFINE, "num_features", affine=True) for d in (1, 2, 3)),
    _simple("SyncBatchNorm", "features", _AFFINE, "num_features"),
    _layer("GroupNorm", "features", lambda c, f: _nn("GroupNorm")(1, c["num_features"], **f), _AFFINE),
    _simple("LayerNorm", "features", _AFFINE, "num_features"),
    _simple("RMSNorm", "features", {"weight": _ONES}, "num_features"),
)
