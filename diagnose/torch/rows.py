"""Where the rows of the batch lie while a pass runs, and the views that deal their numbers to other rows.

A transpose puts the rows on the second axis, a recurrent layer's last states have them there; a `view` that then asks
for as many rows in front takes the numbers as they lie in memory, which are of several rows. Sizes may agree by chance:
of a tensor whose way was not followed nothing is said.
"""

from typing import Any

import torch
from torch.utils.weak import WeakTensorKeyDictionary

from varlaw.diagnose.torch.operations import tensors_in

_TURNS = frozenset(("transpose", "permute", "swapaxes", "movedim", "moveaxis"))
_KEEPS = frozenset(("activation", "dropout", "norm", "add", "product"))  # each number stays where it was
_SAME = frozenset(("contiguous", "to", "float", "half", "bfloat16", "double", "clone", "linear"))
_VIEWS = frozenset(("view", "reshape", "flatten"))

_SECOND, _UNKNOWN, _FIRST = "second", "unknown", "first"

Mixed = tuple[int, str, tuple[int, ...], tuple[int, ...]]  # call that made it, the view, shapes before and after


class Rows:
    """The axis of the rows, where it is not the first; `mixed` are the views that mix them."""

    def __init__(self) -> None:
        self.mixed: list[Mixed] = []
        self._axis = WeakTensorKeyDictionary()

    def note(self, op: str, kind: str, args: Any, out: Any, rows: int, node: int | None) -> None:
        """One operation on a signal, with the call that made its first argument."""
        given, made = tensors_in(args[:1]), [t for t in tensors_in(out) if t.ndim > 1]
        if rows < 2 or not given or not made:
            return
        x, state = given[0], self._state(given, rows)
        if op == "stack":
            after = _SECOND if _stacked(given, made[0], state) else _UNKNOWN
        elif kind == "recurrent":
            return self._recurrent(x, args, made, rows, state)
        elif state == _SECOND and op in _VIEWS and node is not None and _dealt(x, made[0], rows):
            self.mixed.append((node, op, tuple(x.shape), tuple(made[0].shape)))
            after = _UNKNOWN
        elif op in _TURNS:
            after = _turned(x, made[0], rows, state)
        elif state == _SECOND:
            same = (kind in _KEEPS or op in _SAME) and made[0].shape[:2] == x.shape[:2]
            after = _SECOND if same else _UNKNOWN if kind == "view" else _FIRST
        elif state == _FIRST and kind == "view" and op not in _VIEWS | _SAME:
            after = _FIRST if made[0].stride(0) == x.stride(0) else _UNKNOWN
        else:
            after = _UNKNOWN if state == _UNKNOWN or (kind == "view" and x.shape[:1] != made[0].shape[:1]) else _FIRST
        self._mark(made, after)

    def _state(self, given: list[torch.Tensor], rows: int) -> str:
        states = {str(self._axis.get(t, _FIRST)) for t in given if t.ndim}  # type: ignore[no-untyped-call]
        alike = len(states) == 1 and all(t.ndim and (t in self._axis or t.shape[0] == rows) for t in given)
        return states.pop() if alike else _UNKNOWN

    def _mark(self, made: list[torch.Tensor], after: str) -> None:
        for tensor in made:
            if after != _FIRST:
                self._axis[tensor] = after
            elif tensor in self._axis:
                del self._axis[tensor]

    def _recurrent(self, x: torch.Tensor, args: Any, made: list[torch.Tensor], rows: int, state: str) -> None:
        """The last states are (layers, rows, units) whatever the order of the input."""
        packed = x.ndim == 2
        known = packed or state == _SECOND or (state == _FIRST and args[-1] is True)
        for i, tensor in enumerate(made):
            behind = i > 0 or (not packed and args[-1] is False)
            there = tensor.ndim == 3 and tensor.shape[1] == rows
            self._mark([tensor], _UNKNOWN if not known else _SECOND if behind and there else _FIRST)


def _stacked(given: list[torch.Tensor], out: torch.Tensor, state: str) -> bool:
    """Whether rows in front were stacked along a new first axis."""
    return state == _FIRST and len(given) > 1 and out.shape[0] == len(given) and out.shape[1:] == given[0].shape


def _turned(x: torch.Tensor, out: torch.Tensor, rows: int, state: str) -> str:
    """Where the axis of the rows went, told by its step in memory."""
    here = 1 if state == _SECOND else 0
    if state == _UNKNOWN or x.ndim < 2 or x.shape[here] != rows or x.stride(0) == x.stride(1):
        return _UNKNOWN
    step = x.stride(here)
    if out.shape[0] == rows and out.stride(0) == step:
        return _FIRST
    return _SECOND if out.shape[1] == rows and out.stride(1) == step and out.shape[0] > 1 else _UNKNOWN


def _dealt(x: torch.Tensor, out: torch.Tensor, rows: int) -> bool:
    """Whether a view puts the rows in front that lay behind: not where it splits or keeps what was in front."""
    ahead = x.shape[0]
    kept = out.shape[:2] == x.shape[:2] or out.shape[0] * out.shape[1] == ahead
    return ahead > 1 and out.shape[0] == rows and not kept
