"""keras.layers: default initialisation of recurrent and attention layers, whose matrices come packed or by heads."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.keras.framework import NO_QR, keras
from varlaw.subjects.keras.layers import ONES, ZEROS, layer_row, made
from varlaw.subjects.subject import Case, Sampler

GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
_FORGET = 1  # place of the forget gate among the four of an LSTM


def _inputs(c: Case) -> tuple[int, ...]:
    return (c["input_size"],)


def _cell(kind: str, prefix: str = "", width: str = "input_size") -> dict[str, str]:
    """Glorot on the packed kernel, orthogonal on the packed recurrent kernel; forget biases start at one."""
    gates = GATES[kind]
    return {
        f"{prefix}kernel": f"glorot_uniform({width}, {gates}*hidden_size)",
        f"{prefix}recurrent_kernel": "Orthogonal()",
        **(
            {f"{prefix}bias.other": ZEROS, f"{prefix}bias.forget": ONES} if kind == "LSTM" else {f"{prefix}bias": ZEROS}
        ),
    }


def _claims(kind: str, prefix: str = "", width: str = "input_size") -> dict[str, dict[str, str]]:
    if GATES[kind] == 1:
        return {}
    return {f"{prefix}kernel": {"init.per_matrix": f"glorot_uniform({width}, hidden_size)"}}


def _split(weights: dict[str, Any]) -> Mapping[str, Any]:
    """LSTM biases in two parts, and recurrent kernels as the matrices that they are initialised as."""
    seen: dict[str, Any] = {}
    ops = keras().ops
    for name, w in weights.items():
        if name.endswith("recurrent_kernel"):
            seen[name] = ops.reshape(w, (-1, w.shape[-1]))
        elif "lstm" in name and name.endswith("bias"):
            gates = ops.reshape(w, (4, -1))
            seen[f"{name}.forget"] = gates[_FORGET]
            seen[f"{name}.other"] = ops.concatenate([gates[:_FORGET], gates[_FORGET + 1 :]])
        else:
            seen[name] = w
    return seen


def _recurrent(kind: str) -> Sampler:
    prefix = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[kind] + "_cell."

    def build(c: Case, dtype: str) -> Any:
        layer = made(kind, dtype, c["hidden_size"])
        layer.build((None, 4, *_inputs(c)))
        return layer

    return layer_row(
        kind, "recurrent", build, _cell(kind, prefix), claims=_claims(kind, prefix), seen=_split, unsupported=NO_QR
    )


def _gate(kind: str) -> Sampler:
    """The recurrent matrix of one gate by itself: what multiplies the state is a square matrix for each."""

    def build(c: Case, dtype: str) -> Any:
        layer = made(f"{kind}Cell", dtype, c["hidden_size"])
        layer.build((None, *_inputs(c)))
        return layer

    def first(w: dict[str, Any]) -> Mapping[str, Any]:
        return {"recurrent_kernel": w["recurrent_kernel"][:, : w["recurrent_kernel"].shape[0]]}

    tensors = {"recurrent_kernel": "Orthogonal()"}
    return layer_row(f"{kind}(gate)", "recurrent", build, tensors, seen=first, unsupported=NO_QR)


def _only_cell(kind: str) -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        layer = made(f"{kind}Cell", dtype, c["hidden_size"])
        layer.build((None, *_inputs(c)))
        return layer

    def seen(w: dict[str, Any]) -> Mapping[str, Any]:
        if kind != "LSTM":
            return _split(w)
        return {n.removeprefix("lstm."): x for n, x in _split({f"lstm.{n}": x for n, x in w.items()}).items()}

    return layer_row(f"{kind}Cell", "recurrent", build, _cell(kind), claims=_claims(kind), seen=seen, unsupported=NO_QR)


def _composed(name: str, build: Callable[[Case, str], Any], *parts: tuple[str, str, str]) -> Sampler:
    """A layer made of recurrent ones: (kind, prefix of its weights, width of its input) each."""
    tensors = {n: law for kind, prefix, width in parts for n, law in _cell(kind, prefix, width).items()}
    claims = {n: c for kind, prefix, width in parts for n, c in _claims(kind, prefix, width).items()}
    return layer_row(name, "recurrent", build, tensors, claims=claims, seen=_split, unsupported=NO_QR)


def _seeded(label: str) -> dict[str, Any]:
    """The argument of a user who gives one initialiser with a seed of its own, where the label says so."""
    seed = random.randrange(1, 2**30)
    return {"kernel_initializer": keras().initializers.GlorotUniform(seed=seed)} if label else {}


def _bidirectional(label: str = "") -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        inner = keras().layers.LSTM(c["hidden_size"], name="lstm", dtype=dtype, **_seeded(label))
        layer = made("Bidirectional", dtype, inner)
        layer.build((None, 4, *_inputs(c)))
        return layer

    sides = (("LSTM", f"{side}_lstm.lstm_cell.", "input_size") for side in ("forward", "backward"))
    return _composed(f"Bidirectional{label}", build, *sides)


def _stacked() -> Sampler:
    def cells(c: Case, dtype: str) -> list[Any]:
        kinds = (keras().layers.LSTMCell, keras().layers.GRUCell)
        return [k(c["hidden_size"], name=n, dtype=dtype) for k, n in zip(kinds, ("lstm_cell", "gru_cell"), strict=True)]

    def build(c: Case, dtype: str) -> Any:
        layer = made("StackedRNNCells", dtype, cells(c, dtype))
        layer.build((None, *_inputs(c)))
        return layer

    parts = (("LSTM", "lstm_cell.", "input_size"), ("GRU", "gru_cell.", "hidden_size"))
    return _composed("StackedRNNCells", build, *parts)


def _conv_lstm(dims: int) -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        layer = made(f"ConvLSTM{dims}D", dtype, c["out_channels"], c["kernel_size"])
        layer.build((None, 4, *[2 * c["kernel_size"] + 4] * dims, c["in_channels"]))
        return layer

    taps = f"kernel_size**{dims}"
    tensors = {
        "conv_lstm_cell.kernel": f"glorot_uniform(in_channels*{taps}, 4*out_channels*{taps})",
        "conv_lstm_cell.recurrent_kernel": "Orthogonal()",
        "conv_lstm_cell.bias.other": ZEROS,
        "conv_lstm_cell.bias.forget": ONES,
    }
    per_matrix = {"init.per_matrix": f"glorot_uniform(in_channels*{taps}, out_channels*{taps})"}
    claims = {"conv_lstm_cell.kernel": per_matrix}
    return layer_row(
        f"ConvLSTM{dims}D", f"conv_lstm{dims}d", build, tensors, claims=claims, seen=_split, unsupported=NO_QR
    )


# -- attention ---------------------------------------------------------------------------------------------------------


def _projections(outputs: Mapping[str, str], heads: str) -> dict[str, str]:
    """Glorot per projection, over all heads together: each is one matrix from or to the width of the model."""
    tensors: dict[str, str] = {}
    for name, wide in outputs.items():
        tensors |= {f"{name}.kernel": f"glorot_uniform(embed_dim, {wide})", f"{name}.bias": ZEROS}
    return tensors | {"attention_output.kernel": f"glorot_uniform({heads}, embed_dim)", "attention_output.bias": ZEROS}


_ALL_HEADS = "num_heads*head_dim"


def _multi_head(label: str = "") -> Sampler:
    """`label` is "(seeded)" where the user gives one initialiser with a seed of its own for all projections."""

    def build(c: Case, dtype: str) -> Any:
        layer = made("MultiHeadAttention", dtype, c["num_heads"], c["head_dim"], **_seeded(label))
        layer.build((None, 4, c["embed_dim"]), (None, 4, c["embed_dim"]))
        return layer

    tensors = _projections(dict.fromkeys(("query", "key", "value"), _ALL_HEADS), _ALL_HEADS)
    return layer_row(f"MultiHeadAttention{label}", "heads", build, tensors)


def _grouped(label: str = "") -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        arguments = (c["head_dim"], c["num_heads"] * 2, c["num_heads"])
        layer = made("GroupQueryAttention", dtype, *arguments, **_seeded(label))
        layer.build((None, 4, c["embed_dim"]), (None, 4, c["embed_dim"]))
        return layer

    twice = f"2*{_ALL_HEADS}"
    tensors = _projections({"query": twice, "key": _ALL_HEADS, "value": _ALL_HEADS}, twice)
    return layer_row(f"GroupQueryAttention{label}", "heads", build, tensors)


def _attention() -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        layer = made("Attention", dtype, use_scale=True, score_mode="concat")
        layer.build([(None, 4, c["num_features"])] * 2)
        return layer

    return layer_row("Attention", "features", build, {"scale": ONES, "concat_score_weight": ONES})


def _additive() -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        layer = made("AdditiveAttention", dtype)
        layer.build([(None, 4, c["num_features"])] * 2)
        return layer

    # glorot_uniform on a vector counts its length as both fans.
    return layer_row("AdditiveAttention", "features", build, {"scale": "glorot_uniform(num_features, num_features)"})


SEQUENCES: tuple[Sampler, ...] = (
    *(_recurrent(kind) for kind in GATES),
    *(_only_cell(kind) for kind in GATES),
    *(_gate(kind) for kind in ("LSTM", "GRU")),
    _bidirectional(),
    _bidirectional("(seeded)"),
    _stacked(),
    *(_conv_lstm(d) for d in (1, 2, 3)),
    _multi_head(),
    _multi_head("(seeded)"),
    _grouped(),
    _grouped("(seeded)"),
    _attention(),
    _additive(),
)
