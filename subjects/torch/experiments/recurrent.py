"""Recurrent layers of torch as they start: how long a cell remembers, its gates, its weights, orthogonal steps."""

import functools
from collections.abc import Callable
from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_INPUTS = 8
_OPEN = 0.5  # the bias that lets a gate be seen behind a tanh


def _memory(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """An LSTM cell of zero weights, with biases on the forget gate alone, on zero input."""
    cell = _biased(t, t.nn.LSTMCell(3, 4, **on), c)
    kept = [t.ones(1, 4, **on)]
    for _ in range(c["steps"]):
        kept.append(cell(t.zeros(1, 3, **on), (t.zeros(1, 4, **on), kept[-1]))[1])
    return _shares(t, c, kept)


def _update(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A GRU cell of zero weights, with biases on the update gate alone, on zero input: it keeps z of its state."""
    cell = _biased(t, t.nn.GRUCell(3, 4, **on), c)
    kept = [t.ones(1, 4, **on)]
    for _ in range(c["steps"]):
        kept.append(cell(t.zeros(1, 3, **on), kept[-1]))
    return _shares(t, c, kept)


def _biased(t: Any, cell: Any, c: Case) -> Any:
    """Zero but for the biases of the second gate, which torch has twice."""
    for parameter in cell.parameters():
        t.nn.init.zeros_(parameter)
    with t.no_grad():
        cell.bias_ih[4:8], cell.bias_hh[4:8] = c["input_bias"], c["hidden_bias"]
    return cell.requires_grad_(False)


def _shares(t: Any, c: Case, kept: list[Any]) -> dict[str, Any]:
    share = kept[-1][0].double()
    return {
        "share": share,
        "log share": share.log(),
        "constant": -c["steps"] / share.log(),
        "bias": t.special.logit(kept[1][0].double()),
    }


def _layer(t: Any, c: Case, kind: str, of: int, seen: int | None, on: dict[str, Any], **options: Any) -> Any:
    """A layer of zeros, with fresh normal weights of its input in one gate, and a bias on what shows the gate."""
    hidden = c["hidden"]
    layer = getattr(t.nn, kind)(_INPUTS, hidden, **options, **on)
    for parameter in layer.parameters():
        t.nn.init.zeros_(parameter)
    with t.no_grad():
        layer.weight_ih_l0[of * hidden : (of + 1) * hidden].normal_(0, (c["variance"] / _INPUTS) ** 0.5)
        layer.bias_ih_l0[of * hidden : (of + 1) * hidden] = c["bias"]
        if seen is not None:
            layer.bias_hh_l0[seen * hidden : (seen + 1) * hidden] = _OPEN
    return layer.requires_grad_(False)


def _many(t: Any, c: Case, n: int, one: Callable[[], Any]) -> Any:
    """Units of as many layers as n takes: rows of a weight are independent."""
    return t.cat([one() for _ in range(-(-n // c["hidden"]))])[:n]


def _lstm_gates(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Input, forget and output gate of nn.LSTM in one step, behind a state or a candidate that is known."""
    x, none, ones = t.ones(1, _INPUTS, **on), t.zeros(1, c["hidden"], **on), t.ones(1, c["hidden"], **on)

    def step(of: int, seen: int | None, cell: Any) -> tuple[Any, Any]:
        _, (h, kept) = _layer(t, c, "LSTM", of, seen, on)(x, (none, cell))
        return h[0], kept[0]

    def output() -> Any:
        h, kept = step(3, None, ones)
        return h / kept.tanh()

    return {
        "input": _many(t, c, n, lambda: step(0, 2, none)[1] / t.tanh(t.tensor(_OPEN, **on))),
        "gate": _many(t, c, n, lambda: step(1, None, ones)[1]),
        "output": _many(t, c, n, output),
    }


def _start(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Weights of nn.LSTM, its gates, and an orthogonal matrix step by step."""
    hidden = c["hidden"]
    weights = [t.nn.LSTM(hidden, hidden, **on).weight_hh_l0.detach().flatten() for _ in range(-(-n // (4 * hidden)))]
    w = t.nn.init.orthogonal_(t.empty(hidden, hidden, **on))
    start = t.randn(hidden, **on)
    y = start
    for _ in range(20):
        y = w @ y
    ratio = t.linalg.vector_norm(y) / t.linalg.vector_norm(start)
    return {"square": t.cat(weights)[:n].square(), "norm": ratio.reshape(1), **_lstm_gates(t, c, n, on)}


def _gru_gates(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Reset and update gate of nn.GRU in one step: of no state half of tanh(r b) is taken, of a state of ones z."""
    x, none, ones = t.ones(1, _INPUTS, **on), t.zeros(1, c["hidden"], **on), t.ones(1, c["hidden"], **on)
    return {
        "reset": _many(t, c, n, lambda: t.atanh(2 * _layer(t, c, "GRU", 0, 2, on)(x, none)[1][0]) / _OPEN),
        "gate": _many(t, c, n, lambda: _layer(t, c, "GRU", 1, None, on)(x, ones)[1][0]),
    }


def _units(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Squares of the units of nn.RNN behind one step, of both of its activations."""
    x = t.ones(1, _INPUTS, **on)

    def square(kind: str) -> Any:
        layer = _layer(t, {**c, "bias": 0.0}, "RNN", 0, None, on, nonlinearity=kind)
        return layer(x)[1][0].square()

    return {kind: _many(t, c, n, functools.partial(square, kind)) for kind in ("tanh", "relu")}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.LSTMCell(forget)", "memory", _memory),
    experiment("nn.GRUCell(update)", "memory", _update),
    experiment("nn.LSTM(start)", "recurrent_start", _start),
    experiment("nn.GRU(start)", "gru_start", _gru_gates),
    experiment("nn.RNN(start)", "rnn_start", _units),
)
