"""How a gradient comes back through the steps of a recurrent layer, which torch computes in one call, or of a loop.

The layer is run again on some rows, and its last output sends a random gradient back. Beside it the same rows go
through two other starts of its shape: one that practice calls sound (1/fan_in, zero biases, forget gates at 1), and
torch's own. A cell that is called again on the state that it made is a loop: its inputs are kept, and run through anew.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from varlaw.diagnose.records import Call

_ROWS = 8
_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
_LEAST = 1e-300  # below, the square has left float64


def gains_of(func: Any, op: str, args: Any) -> dict[str, float] | None:
    """ln of E g^2 at the first input over that at the last: as it `is`, of a `sound` start and of torch's `default`.

    Of the layer where the first differs most from the second; None where the layer is not run again.
    """
    if op not in _GATES or not isinstance(args[2], (list, tuple)):
        return None  # cells are seen as `Loops`, packed sequences not at all
    x, state, weights, biased, layers, _, _, both, first = args[:9]
    per = 4 if biased else 2
    if len(weights) != per * layers * (1 + both) or x.ndim != 3 or x.is_meta:
        return None  # with projections, or without a batch
    x = x.detach() if first else x.detach().transpose(0, 1)
    x, found = x[:_ROWS].double(), list[dict[str, float]]()
    states = [s[:, :_ROWS].detach().double() for s in (state if op == "lstm" else [state])]
    for layer in range(1 if both else layers):
        mine = [w.detach().double() for w in weights[layer * per : (layer + 1) * per]]
        start = [s[layer : layer + 1].contiguous() for s in states]

        def run(x: torch.Tensor, w: Sequence[torch.Tensor], start: list[torch.Tensor] = start) -> torch.Tensor:
            given = start if op == "lstm" else start[0]
            out: torch.Tensor = func(x, given, list(w), biased, 1, 0.0, False, False, True)[0]
            return out

        found.append({name: _gain(run, x, w) for name, w in _starts(op, mine).items()})
        x = run(x, mine)
    return max(found, key=lambda one: abs(one["is"] - one["sound"])) | {"steps": float(x.shape[1])}


@dataclass
class _Loop:
    """A cell called step by step: its first call, the inputs of some rows, and the state that it started from."""

    first: Call
    func: Any
    weights: list[torch.Tensor]
    state: list[torch.Tensor]
    inputs: list[torch.Tensor]


class Loops:
    """The cells of a pass, as loops in which each call takes the state that the one before it made."""

    def __init__(self) -> None:
        self._found: list[_Loop] = []
        self._last: dict[int, _Loop] = {}  # by the number of its last call

    def note(self, call: Call, func: Any, args: Any, before: set[int | None]) -> None:
        """One call of a cell; `before`: which calls made the tensors of its state."""
        x, weights = args[0][:_ROWS].detach().clone(), [w for w in args[2:] if w is not None]
        made = next(iter(before)) if len(before) == 1 else None
        loop = self._last.pop(made, None) if made is not None else None
        if loop is None or loop.inputs[0].shape != x.shape or loop.first.parameters != call.parameters:
            states = args[1] if isinstance(args[1], (list, tuple)) else [args[1]]
            loop = _Loop(call, func, weights, [s[:_ROWS].detach().double() for s in states], [])
            self._found.append(loop)
        loop.inputs.append(x)
        self._last[call.number] = loop

    def measure(self) -> None:
        """Notes the gains of each loop at its first call."""
        for loop in self._found:
            if len(loop.inputs) > 1 and loop.first.parameters and not loop.inputs[0].is_meta:
                loop.first.options["through_time"] = _of_loop(loop) | {"steps": float(len(loop.inputs))}


def _of_loop(loop: _Loop) -> dict[str, float]:
    kind = loop.first.op.removesuffix("_cell")

    def run(x: torch.Tensor, w: Sequence[torch.Tensor]) -> torch.Tensor:
        states, made = loop.state, []
        for step in range(x.shape[1]):
            out = loop.func(x[:, step], tuple(states) if kind == "lstm" else states[0], *w, *[None] * (4 - len(w)))
            states = list(out) if kind == "lstm" else [out]
            made.append(states[0])
        return torch.stack(made, 1)

    x = torch.stack(loop.inputs, 1).double()
    return {name: _gain(run, x, w) for name, w in _starts(kind, [w.detach().double() for w in loop.weights]).items()}


def _starts(op: str, mine: Sequence[torch.Tensor]) -> dict[str, list[torch.Tensor]]:
    seed = zlib.crc32(mine[1].cpu().numpy().tobytes())  # other draws for other weights
    generator = torch.Generator().manual_seed(seed)
    size = mine[1].shape[1]

    def drawn(w: torch.Tensor, std: float) -> torch.Tensor:
        return (torch.randn(w.shape, generator=generator, dtype=w.dtype) * std).to(w.device)

    sound = [drawn(w, w.shape[1] ** -0.5) if w.ndim > 1 else torch.zeros_like(w) for w in mine]
    if op == "lstm" and len(mine) > 2:
        sound[2][size : 2 * size] = 1.0
    return {"is": list(mine), "sound": sound, "default": [drawn(w, (3 * size) ** -0.5) for w in mine]}


def _gain(
    run: Callable[[torch.Tensor, Sequence[torch.Tensor]], torch.Tensor], x: torch.Tensor, w: Sequence[torch.Tensor]
) -> float:
    with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
        x = x.clone().requires_grad_()
        last = run(x, w)[:, -1]
        cotangent = torch.randn(last.shape, generator=torch.Generator().manual_seed(1), dtype=last.dtype)
        (g,) = torch.autograd.grad(last, x, cotangent.to(last.device))
    first, final = (float(g[:, step].square().mean()) for step in (0, -1))
    return math.log(max(first, _LEAST) / max(final, _LEAST)) if math.isfinite(first + final) else math.nan
