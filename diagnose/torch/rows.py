"""Where the rows of the batch lie while a pass runs, and the views that deal their numbers to other rows.

A transpose puts the rows on the second axis, a recurrent layer's last states have them there; a `view` that then asks
for as many rows in front takes the numbers as they lie in memory, which are of several rows.
"""

from typing import Any

import torch
from torch.utils.weak import WeakTensorKeyDictionary

from varlaw.diagnose.torch.operations import tensors_in

_TURNS = frozenset(("transpose", "permute", "swapaxes", "movedim", "moveaxis"))
_KEEPS = frozenset(
    ("activation", "dropout", "norm", "add", "product")
)  # each number where it was, or along the last axis
_SAME = frozenset(("contiguous", "to", "float", "half", "bfloat16", "double", "clone", "linear"))
_VIEWS = frozenset(("view", "reshape", "flatten"))

Mixed = tuple[int, str, tuple[int, ...], tuple[int, ...]]  # call that made it, the view, shapes before and after


class Rows:
    """Tensors whose second axis is that of the rows; `mixed` are the views that mix them."""

    def __init__(self) -> None:
        self.mixed: list[Mixed] = []
        self._second = WeakTensorKeyDictionary()

    def note(self, op: str, kind: str, args: Any, out: Any, rows: int, node: int | None) -> None:
        """One operation on a signal, with the call that made its first argument."""
        x = args[0] if args else None
        if rows < 2 or not isinstance(x, torch.Tensor):
            return
        made = [t for t in tensors_in(out) if t.ndim > 1]
        known = x in self._second
        if op in _TURNS and made and _turned(x, made[0], rows) and not known:
            self._second[made[0]] = True
        elif kind == "recurrent":
            self._recurrent(x, args, made, rows, known)
        elif known and (kind in _KEEPS or op in _SAME) and made and made[0].shape[:2] == x.shape[:2]:
            self._second[made[0]] = True
        elif known and op in _VIEWS and made and node is not None and _dealt(x, made[0], rows):
            self.mixed.append((node, op, tuple(x.shape), tuple(made[0].shape)))

    def _recurrent(self, x: torch.Tensor, args: Any, made: list[torch.Tensor], rows: int, known: bool) -> None:
        """The last states are (layers, rows, units) whatever the order of the input."""
        packed = x.ndim == 2
        first = not packed and args[-1] is True and x.shape[0] == rows
        for i, tensor in enumerate(made):
            states = i > 0 and (packed or first or known)
            if tensor.ndim == 3 and tensor.shape[1] == rows and (states or (known and args[-1] is False)):
                self._second[tensor] = True


def _turned(x: torch.Tensor, out: torch.Tensor, rows: int) -> bool:
    """Whether the rows came from the first axis to the second, with more than one number in front of them."""
    there = x.ndim > 1 and x.shape[0] == rows == out.shape[1] and x.stride(0) == out.stride(1)
    return there and out.shape[0] > 1 and out.stride(0) != x.stride(0) != 0


def _dealt(x: torch.Tensor, out: torch.Tensor, rows: int) -> bool:
    """Whether a view puts the rows in front that lay behind: not where it splits or keeps what was in front."""
    ahead = x.shape[0]
    kept = out.shape[:2] == x.shape[:2] or out.shape[0] * out.shape[1] == ahead
    return ahead > 1 and out.shape[0] == rows and not kept
