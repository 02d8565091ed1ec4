"""torch.nn: the default initialisation of every layer that has parameters, with what the documentation promises."""

from collections.abc import Mapping
from typing import Any

from varlaw.subjects.namespace import Namespace, called
from varlaw.subjects.rows import AFFINE, ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler
from varlaw.subjects.torch.framework import TORCH, factory


def _nn() -> Any:
    import torch

    return torch.nn


def _fill(layer: Any, weight: Any, bias: Any) -> None:
    """Sets the weight of a norm, and the bias where it has one."""
    import torch

    if layer.weight is None:
        msg = "it has no weight by default"
        raise LookupError(msg)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if getattr(layer, "bias", None) is not None:
            layer.bias.copy_(bias)


NN = Namespace(
    of=TORCH,
    name="torch.nn",
    find=_nn,
    parameters=lambda layer, dtype: {n: p.detach() for n, p in layer.named_parameters()},
    keywords=factory,
    like=lambda layer, x: layer.to(x),
    evaluating=lambda layer: layer.eval(),
    fill=_fill,
    running=lambda layer: [b for n, b in layer.named_buffers() if n.startswith("running")],
)
_layer, _simple = NN.layer, NN.simple


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _linear(name: str, *sizes: str) -> Sampler:
    law = f"Uniform(1/sqrt({sizes[0]}))"
    make = called(name, *sizes)
    tensors, op = {"weight": law, "bias": law}, name.lower()
    return _layer(name, op, make, tensors, inputs=sizes[:-1], layout=f"torch.{op}")


def _conv(dims: int, *, transposed: bool) -> Sampler:
    # The documentation's k = groups / (C * prod(kernel_size)); weights and biases ~ U(-sqrt(k), sqrt(k)). C is C_in; of
    # a transposed convolution it is C_out, where the true fan_in has C_in / stride^dims.
    law = f"Uniform(sqrt(groups/({'out' if transposed else 'in'}_channels*kernel_size**{dims})))"
    name, op = (f"ConvTranspose{dims}d", f"conv_transpose{dims}d") if transposed else (f"Conv{dims}d", f"conv{dims}d")
    return NN.convolution(name, op, {"weight": law, "bias": law}, dims, transposed=transposed, layout=f"torch.{op}")


# -- recurrent and attention -------------------------------------------------------------------------------------------

_HIDDEN = "Uniform(1/sqrt(hidden_size))"
_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_RECURRENT = tuple(f"{kind}_l0" for kind in _KINDS)


# What a unit adds up from the inputs keeps their second moment with a variance of 1/input_size.
_FROM_INPUTS = {"init.true_fan": "Uniform(sqrt(3/input_size))"}


def _recurrent(name: str, tensors: tuple[str, ...]) -> Sampler:
    laws, claims = dict.fromkeys(tensors, _HIDDEN), {tensors[0]: _FROM_INPUTS}
    return _layer(name, "recurrent", called(name, "input_size", "hidden_size"), laws, claims=claims)


def _deep_recurrent(name: str, **options: Any) -> Sampler:
    """Two layers in both directions; a projected LSTM passes on half of its units."""

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        half = {"proj_size": c["hidden_size"] // 2} if "proj_size" in options else {}
        fields = {**half, "num_layers": 2, "bidirectional": True}
        return getattr(nn, name)(c["input_size"], c["hidden_size"], **fields, **f)

    kinds = (*_KINDS, *(("weight_hr",) if "proj_size" in options else ()))
    laws = {f"{kind}_l{i}{way}": _HIDDEN for i in (0, 1) for way in ("", "_reverse") for kind in kinds}
    return _layer(f"{name}({', '.join(('num_layers=2', *options))})", "recurrent", build, laws)


_DEFAULT_LINEAR = "Uniform(1/sqrt(embed_dim))"


def _self_attention(prefix: str = "") -> dict[str, str]:
    return {
        f"{prefix}in_proj_weight": "glorot_uniform(embed_dim, 3*embed_dim)",  # the packed matrix, as it is stored
        f"{prefix}in_proj_bias": ZEROS,
        f"{prefix}out_proj.weight": _DEFAULT_LINEAR,
        f"{prefix}out_proj.bias": ZEROS,
    }


def _separate_attention() -> Sampler:
    """Keys and values of another width: torch then keeps three matrices, each with Xavier of its own."""
    tensors = {
        "q_proj_weight": "glorot_uniform(embed_dim, embed_dim)",
        "k_proj_weight": "glorot_uniform(kdim, embed_dim)",
        "v_proj_weight": "glorot_uniform(vdim, embed_dim)",
        "in_proj_bias": ZEROS,
        "bias_k": "glorot_normal(embed_dim, embed_dim)",
        "bias_v": "glorot_normal(embed_dim, embed_dim)",
        "out_proj.weight": _DEFAULT_LINEAR,
        "out_proj.bias": ZEROS,
    }

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        widths = {"kdim": c["kdim"], "vdim": c["vdim"]}
        return nn.MultiheadAttention(c["embed_dim"], c["num_heads"], add_bias_kv=True, **widths, **f)

    return _layer("MultiheadAttention(kdim)", "attention_separate", build, tensors)


def _attention() -> Sampler:
    build = called("MultiheadAttention", "embed_dim", "num_heads")
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
        tensors |= {f"{prefix}norm{i}.weight": ONES, f"{prefix}norm{i}.bias": ZEROS}
    return tensors


_ENCODER_LAYER = _self_attention("self_attn.") | _feed_forward("", norms=2)
_DECODER_LAYER = _self_attention("self_attn.") | _self_attention("multihead_attn.") | _feed_forward("", norms=3)
_BLOCK = ("embed_dim", "num_heads", "dim_feedforward")


def _stack(name: str, of: str, layer: Mapping[str, str], depth: int = 2) -> Sampler:
    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(getattr(nn, of)(*(c[a] for a in _BLOCK), **f), num_layers=depth)

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
    layers |= {"encoder.norm.weight": ONES, "encoder.norm.bias": ZEROS}
    layers |= {f"decoder.layers.0.{n}": redrawn(n, law) for n, law in _DECODER_LAYER.items()}
    layers |= {"decoder.norm.weight": ONES, "decoder.norm.bias": ZEROS}
    depth = {"num_encoder_layers": 1, "num_decoder_layers": 1}

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.Transformer(c["embed_dim"], c["num_heads"], dim_feedforward=c["dim_feedforward"], **depth, **f)

    return _layer("Transformer", "transformer", build, layers)


# -- embeddings --------------------------------------------------------------------------------------------------------

_EMBEDDING = ("num_embeddings", "embedding_dim")


def _padded(name: str) -> Sampler:
    """The row of the padding index, which is drawn and then set to 0, and the other rows."""

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        weight = getattr(nn, name)(*(c[size] for size in _EMBEDDING), padding_idx=0, **f).weight.detach()
        return nn.ParameterDict({"padding": nn.Parameter(weight[:1]), "rest": nn.Parameter(weight[1:])})

    return _layer(f"{name}(padding_idx)", "embedding", build, {"padding": ZEROS, "rest": "Normal(1)"})


def _pretrained() -> Sampler:
    """The padding row of an embedding that is made of given weights."""

    def build(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        given = nn.Embedding(*(c[size] for size in _EMBEDDING), **f).weight.detach()
        return nn.ParameterDict({"padding": nn.Embedding.from_pretrained(given, padding_idx=0).weight[:1]})

    return _layer("Embedding.from_pretrained(padding_idx)", "embedding", build, {"padding": ZEROS})


# -- the table ---------------------------------------------------------------------------------------------------------

LAYERS: tuple[Sampler, ...] = (
    _linear("Linear", "in_features", "out_features"),
    _linear("Bilinear", "in1_features", "in2_features", "out_features"),
    *(_conv(d, transposed=transposed) for transposed in (False, True) for d in (1, 2, 3)),
    _simple("Embedding", "embedding", {"weight": "Normal(1)"}, *_EMBEDDING),
    _simple("EmbeddingBag", "embedding", {"weight": "Normal(1)"}, *_EMBEDDING),
    _padded("Embedding"),
    _padded("EmbeddingBag"),
    _pretrained(),
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
    *(_simple(f"BatchNorm{d}d", "features", AFFINE, "num_features") for d in (1, 2, 3)),
    *(_simple(f"InstanceNorm{d}d", "features", AFFINE, "num_features", affine=True) for d in (1, 2, 3)),
    _simple("SyncBatchNorm", "features", AFFINE, "num_features"),
    _layer("GroupNorm", "features", lambda nn, c, f: nn.GroupNorm(1, c["num_features"], **f), AFFINE),
    _simple("LayerNorm", "features", AFFINE, "num_features"),
    _simple("RMSNorm", "features", {"weight": ONES}, "num_features"),
)
