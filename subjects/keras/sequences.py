"""keras.layers: default initialisation of recurrent and attention layers, whose matrices come packed or by heads."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.keras.framework import NO_QR, keras
from varlaw.subjects.keras.layers import NN, built, in_parts
from varlaw.subjects.namespace import Make
from varlaw.subjects.rows import ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler

Seen = Callable[[dict[str, Any]], Mapping[str, Any]]
Part = tuple[str, str, str]  # a recurrent layer inside another: kind, prefix of its weights, width of its input

GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
_FORGET = 1  # place of the forget gate among the four of an LSTM


def _cell(kind: str, prefix: str, width: str) -> dict[str, str]:
    """Glorot on the packed kernel, orthogonal on the packed recurrent kernel; forget biases start at one."""
    biases = {"bias.other": ZEROS, "bias.forget": ONES} if kind == "LSTM" else {"bias": ZEROS}
    kernel = f"glorot_uniform({width}, {GATES[kind]}*hidden_size)"
    weights = {"kernel": kernel, "recurrent_kernel": "Orthogonal()", **biases}
    return {f"{prefix}{n}": law for n, law in weights.items()}


def _claims(kind: str, prefix: str, width: str) -> dict[str, dict[str, str]]:
    if GATES[kind] == 1:
        return {}
    return {f"{prefix}kernel": {"init.per_matrix": f"glorot_uniform({width}, hidden_size)"}}


def _split(weights: dict[str, Any], lstm: str = "lstm") -> Mapping[str, Any]:
    """Biases of an LSTM in two parts, and recurrent kernels as the matrices that they are initialised as."""
    seen: dict[str, Any] = {}
    ops = keras().ops
    for name, w in weights.items():
        if name.endswith("recurrent_kernel"):
            seen[name] = ops.reshape(w, (-1, w.shape[-1]))
        elif lstm in name and name.endswith("bias"):
            gates = ops.reshape(w, (4, -1))
            seen[f"{name}.forget"] = gates[_FORGET]
            seen[f"{name}.other"] = ops.concatenate([gates[:_FORGET], gates[_FORGET + 1 :]])
        else:
            seen[name] = w
    return seen


def _composed(name: str, make: Make, *parts: Part, seen: Seen = _split) -> Sampler:
    """A layer made of recurrent ones."""
    tensors = {n: law for part in parts for n, law in _cell(*part).items()}
    claims = {n: c for part in parts for n, c in _claims(*part).items()}
    return in_parts(name, "recurrent", make, tensors, claims=claims, seen=seen, unsupported=NO_QR)


def _units(name: str, steps: int = 0) -> Make:
    """A layer or cell of `hidden_size` units; a layer is built on a sequence."""
    sequence = (steps,) if steps else ()
    return built(name, lambda c: {"units": c["hidden_size"]}, lambda c: (*sequence, c["input_size"]))


def _recurrent(kind: str) -> Sampler:
    inner = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[kind] + "_cell."
    return _composed(kind, _units(kind, 4), (kind, inner, "input_size"))


def _only_cell(kind: str) -> Sampler:
    part, name = (kind, "", "input_size"), f"{kind}Cell"
    return _composed(name, _units(name), part, seen=lambda w: _split(w, lstm="" if kind == "LSTM" else "lstm"))


def _gate(kind: str) -> Sampler:
    """The recurrent matrix of one gate by itself: what multiplies the state is a square matrix for each."""

    def first(w: dict[str, Any]) -> Mapping[str, Any]:
        return {"recurrent_kernel": w["recurrent_kernel"][:, : w["recurrent_kernel"].shape[0]]}

    tensors = {"recurrent_kernel": "Orthogonal()"}
    return in_parts(f"{kind}(gate)", "recurrent", _units(f"{kind}Cell"), tensors, seen=first, unsupported=NO_QR)


def _seeded(label: str) -> dict[str, Any]:
    """The argument of a user who gives one initialiser with a seed of its own, where the label says so."""
    seed = random.randrange(1, 2**30)
    return {"kernel_initializer": keras().initializers.GlorotUniform(seed=seed)} if label else {}


def _bidirectional(label: str = "") -> Sampler:
    def make(layers: Any, c: Case, f: Mapping[str, Any]) -> Any:
        inner = layers.LSTM(c["hidden_size"], name="lstm", dtype=f["dtype"], **_seeded(label))
        layer = layers.Bidirectional(inner, **f)
        layer.build((None, 4, c["input_size"]))
        return layer

    sides = (("LSTM", f"{side}_lstm.lstm_cell.", "input_size") for side in ("forward", "backward"))
    return _composed(f"Bidirectional{label}", make, *sides)


def _stacked() -> Sampler:
    def make(layers: Any, c: Case, f: Mapping[str, Any]) -> Any:
        kinds = {"lstm_cell": layers.LSTMCell, "gru_cell": layers.GRUCell}
        cells = [kind(c["hidden_size"], name=n, dtype=f["dtype"]) for n, kind in kinds.items()]
        layer = layers.StackedRNNCells(cells, **f)
        layer.build((None, c["input_size"]))
        return layer

    parts: tuple[Part, ...] = (("LSTM", "lstm_cell.", "input_size"), ("GRU", "gru_cell.", "hidden_size"))
    return _composed("StackedRNNCells", make, *parts)


def _conv_lstm(dims: int) -> Sampler:
    make = built(
        f"ConvLSTM{dims}D",
        lambda c: {"filters": c["out_channels"], "kernel_size": c["kernel_size"]},
        lambda c: (4, *[2 * c["kernel_size"] + 4] * dims, c["in_channels"]),
    )
    taps = f"kernel_size**{dims}"
    tensors = {
        "conv_lstm_cell.kernel": f"glorot_uniform(in_channels*{taps}, 4*out_channels*{taps})",
        "conv_lstm_cell.recurrent_kernel": "Orthogonal()",
        "conv_lstm_cell.bias.other": ZEROS,
        "conv_lstm_cell.bias.forget": ONES,
    }
    per_matrix = {"init.per_matrix": f"glorot_uniform(in_channels*{taps}, out_channels*{taps})"}
    claims, op = {"conv_lstm_cell.kernel": per_matrix}, f"conv_lstm{dims}d"
    return in_parts(f"ConvLSTM{dims}D", op, make, tensors, claims=claims, seen=_split, unsupported=NO_QR)


# -- attention ---------------------------------------------------------------------------------------------------------


def _projections(outputs: Mapping[str, str], heads: str) -> dict[str, str]:
    """Glorot per projection, over all heads together: each is one matrix from or to the width of the model."""
    tensors: dict[str, str] = {}
    for name, wide in outputs.items():
        tensors |= {f"{name}.kernel": f"glorot_uniform(embed_dim, {wide})", f"{name}.bias": ZEROS}
    return tensors | {"attention_output.kernel": f"glorot_uniform({heads}, embed_dim)", "attention_output.bias": ZEROS}


_ALL_HEADS = "num_heads*head_dim"


def _heads(name: str, arguments: Callable[[Case], Mapping[str, Any]], label: str, tensors: dict[str, str]) -> Sampler:
    """`label` is "(seeded)" where the user gives one initialiser with a seed of its own for all projections."""

    def make(layers: Any, c: Case, f: Mapping[str, Any]) -> Any:
        layer = getattr(layers, name)(**arguments(c), **_seeded(label), **f)
        layer.build((None, 4, c["embed_dim"]), (None, 4, c["embed_dim"]))
        return layer

    return NN.layer(f"{name}{label}", "heads", make, tensors)


def _multi_head(label: str = "") -> Sampler:
    tensors = _projections(dict.fromkeys(("query", "key", "value"), _ALL_HEADS), _ALL_HEADS)
    arguments = lambda c: {"num_heads": c["num_heads"], "key_dim": c["head_dim"]}  # noqa: E731 - a table's entry
    return _heads("MultiHeadAttention", arguments, label, tensors)


def _grouped(label: str = "") -> Sampler:
    def arguments(c: Case) -> dict[str, Any]:
        queries, keys = {"num_query_heads": c["num_heads"] * 2}, {"num_key_value_heads": c["num_heads"]}
        return {"head_dim": c["head_dim"], **queries, **keys}

    twice = f"2*{_ALL_HEADS}"
    tensors = _projections({"query": twice, "key": _ALL_HEADS, "value": _ALL_HEADS}, twice)
    return _heads("GroupQueryAttention", arguments, label, tensors)


def _attention(name: str, tensors: Mapping[str, str], **arguments: Any) -> Sampler:
    def make(layers: Any, c: Case, f: Mapping[str, Any]) -> Any:
        layer = getattr(layers, name)(**arguments, **f)
        layer.build([(None, 4, c["num_features"])] * 2)
        return layer

    return NN.layer(name, "features", make, tensors)


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
    _attention("Attention", {"scale": ONES, "concat_score_weight": ONES}, use_scale=True, score_mode="concat"),
    # glorot_uniform on a vector counts its length as both fans.
    _attention("AdditiveAttention", {"scale": "glorot_uniform(num_features, num_features)"}),
)
