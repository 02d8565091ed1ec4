"""The gates of a recurrent layer, which torch computes in one call: computed again on some rows of the batch."""

from collections.abc import Sequence
from typing import Any

import torch

from varlaw.diagnose.torch.measuring import real, saturated

_ROWS = 16  # sequences that are run again
_GATES = {"lstm": ("sigmoid", "sigmoid", "tanh", "sigmoid"), "gru": ("sigmoid", "sigmoid"), "rnn_tanh": ("tanh",)}


def saturated_of(func: Any, op: str, args: Any) -> torch.Tensor | None:
    """Share of the gates' entries that nothing moves, of the layer that has most; None where they are not computed."""
    cell = op.removesuffix("_cell")
    if cell not in _GATES:
        return None
    if op != cell:
        return _share(cell, *_states(args[0], args[1]), list(args[2:6]))
    x, state, weights = args[:3]
    if not isinstance(weights, (list, tuple)):
        return None  # packed sequences
    return _of_layers(func, cell, x, state, list(weights), args[3:])


def _states(x: torch.Tensor, state: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return x, state[0] if isinstance(state, (list, tuple)) else state


def _of_layers(
    func: Any, cell: str, x: Any, state: Any, weights: list[Any], rest: Sequence[Any]
) -> torch.Tensor | None:
    biased, layers, _, _, both, first = rest
    per = 4 if biased else 2
    if len(weights) != per * layers * (1 + both):
        return None  # with projections
    axis = 0 if first else 1
    x, states = x.narrow(axis, 0, min(_ROWS, x.shape[axis])), _few(state)
    found = []
    for layer in range(1 if both else layers):
        mine = weights[layer * per : (layer + 1) * per]
        start = [s[layer : layer + 1].contiguous() for s in states]
        out = func(x, start if cell == "lstm" else start[0], mine, biased, 1, 0.0, False, False, first)[0]
        before = start[0].transpose(0, 1) if first else start[0]
        before = torch.cat([before, out.narrow(1 - axis, 0, out.shape[1 - axis] - 1)], 1 - axis)
        found.append(_share(cell, x, before, mine))
        x = out
    return torch.stack(found).max()


def _few(state: Any) -> list[torch.Tensor]:
    return [s[:, :_ROWS] for s in (state if isinstance(state, (list, tuple)) else [state])]


def _share(cell: str, x: torch.Tensor, before: torch.Tensor, weights: list[Any]) -> torch.Tensor:
    w, u, *biases = (real(t) for t in weights if t is not None)
    sums = real(x) @ w.T + real(before) @ u.T + sum(biases, torch.zeros((), device=w.device))
    size = u.shape[1]
    parts = zip(_GATES[cell], torch.split(sums, size, -1), strict=False)
    return torch.stack([saturated(getattr(torch, name)(part), name) for name, part in parts]).mean()
