"""Recurrent layers of torch as they start: how long a cell remembers, its gates, its weights, orthogonal steps."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _memory(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """An LSTM cell of zero weights, with biases on the forget gate alone, on zero input."""
    cell = t.nn.LSTMCell(3, 4, **on)
    for parameter in cell.parameters():
        t.nn.init.zeros_(parameter)
    with t.no_grad():
        cell.bias_ih[4:8], cell.bias_hh[4:8] = c["input_bias"], c["hidden_bias"]
        h, kept, x = t.zeros(1, 4, **on), t.ones(1, 4, **on), t.zeros(1, 3, **on)
        once = cell(x, (h, kept))[1]
        for _ in range(c["steps"]):
            _, kept = cell(x, (h, kept))
    share = kept[0].double()
    return {
        "share": share,
        "log share": share.log(),
        "constant": -c["steps"] / share.log(),
        "bias": t.special.logit(once[0].double()),
    }


def _start(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Weights of nn.LSTM, a gate on fixed input with fresh normal weights, and an orthogonal matrix step by step."""
    hidden = c["hidden"]
    weights = [t.nn.LSTM(hidden, hidden, **on).weight_hh_l0.detach().flatten() for _ in range(-(-n // (4 * hidden)))]
    x = t.ones(8, **on)
    gates = t.sigmoid(c["bias"] + t.nn.functional.linear(x, (c["variance"] / 8) ** 0.5 * t.randn(n, 8, **on)))
    w = t.nn.init.orthogonal_(t.empty(hidden, hidden, **on))
    start = t.randn(hidden, **on)
    y = start
    for _ in range(20):
        y = w @ y
    ratio = t.linalg.vector_norm(y) / t.linalg.vector_norm(start)
    return {"square": t.cat(weights)[:n].square(), "gate": gates, "norm": ratio.reshape(1)}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.LSTMCell(forget)", "memory", _memory),
    experiment("nn.LSTM(start)", "recurrent_start", _start),
)
