"""Norms over other axes than the usual ones: the same numbers, laid out for the call in another order.

What a norm calls `axis`, `reduction_axes`, `feature_axes`, `normalized_shape` or `data_format` says where its sets lie.
Here they are laid there, all axes of one size, so that a norm which takes another axis than it is told to does not
fail but returns wrong numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from varlaw.subjects import norm_rows
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.norm_rows import Call
from varlaw.subjects.subject import Case, Floats, Norm

_SIDE = 8  # of every axis
_ASKED = ("norm.mean", "norm.second_moment", "norm.running_mean", "norm.running_var", "norm.affine")


@dataclass(frozen=True)
class Ordered:
    """Axes by letters: b, c and l of (batch, channels, length), p and q for a length in two parts, 1 for one more.

    >>> import numpy as np
    >>> x = np.arange(24).reshape(2, 3, 4)
    >>> y = Ordered("1pbcq").arranged(x)
    >>> y.shape, bool((Ordered("1pbcq").restored(y, x.shape) == x).all())
    ((1, 2, 2, 3, 2), True)
    """

    order: str

    def _sizes(self, shape: Sequence[int]) -> dict[str, int]:
        """Letter -> size, in the order of the claims' array."""
        batch, channels, length = shape
        halves = {"p": 2, "q": length // 2} if "p" in self.order else {"l": length}
        return {"b": batch, "c": channels, **halves}

    def arranged(self, x: Floats) -> Floats:
        """The claims' array in this order."""
        sizes = self._sizes(x.shape)
        places = [list(sizes).index(axis) for axis in self.order if axis != "1"]
        moved = x.reshape(tuple(sizes.values())).transpose(places)
        return moved.reshape([sizes.get(axis, 1) for axis in self.order])

    def restored(self, y: Floats, shape: tuple[int, ...]) -> Floats:
        """The way back."""
        sizes, kept = self._sizes(shape), self.order.replace("1", "")
        moved = y.reshape([sizes[axis] for axis in kept]).transpose([kept.index(axis) for axis in sizes])
        return moved.reshape(shape)


def norm(of: Boundary, name: str, op: str, call: Call, order: str, **rest: Any) -> Norm:
    """The row of a norm that is told its axes, which lie as `order` says; its moments and its affine part are asked."""
    row = norm_rows.norm(of, name, op, call, view=Ordered(order), **rest)
    return replace(row, gradient=None, default=None, cases=_of_one_size, dtypes=("float32",))


def _of_one_size(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """The cases of ordinary numbers, each once when all their axes have one size; which axis is no matter of dtype."""
    found: list[Case] = []
    if claim not in _ASKED or dtype != "float32":
        return found
    for case in usual:
        one = {**case, "batch": _SIDE, "channels": _SIDE, "length": _SIDE}
        ordinary = case["mean"] <= case["std"] and 0.01 <= case["std"] <= 100
        if ordinary and one not in found:
            found.append(one)
    return found
