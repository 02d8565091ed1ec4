"""Somebody's own norm, clip, dropout or loss as a subject: the same records as a framework's rows.

What the function returns is looked at as it comes back: another shape, or no array at all, is a `ValueError` in one
line that names the function.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.leaves import flatten, unflatten
from varlaw.subjects.libraries import Library, floats
from varlaw.subjects.subject import Case, Clipper, Dropout, Floats, Framework, Loss, Norm

YOURS = Framework(name="yours", version=lambda: "", devices=lambda: ("cpu",))


@dataclass(frozen=True)
class Yours:
    """A function of somebody's, its name, and the library whose arrays it takes."""

    function: Any
    name: str
    library: Library

    def read(self, y: Any, shape: tuple[int, ...]) -> Floats:
        """What the function returned, which should be an array of `shape`."""
        got = tuple(getattr(y, "shape", ())) if hasattr(y, "dtype") else None
        if got == shape:
            return floats(y)
        returned = type(y).__name__ if got is None else f"an array of shape {got}"
        msg = f"{self.name} returns {returned}, but should return an array of shape {shape}"
        raise ValueError(msg)

    def number(self, y: Any) -> float:
        """What the function returned, which should be one number."""
        if isinstance(y, int | float) or (hasattr(y, "dtype") and tuple(y.shape) in ((), (1,))):
            return float(floats(y).reshape(()) if hasattr(y, "dtype") else y)
        got = f"an array of shape {tuple(y.shape)}" if hasattr(y, "shape") else type(y).__name__
        msg = f"{self.name} returns {got}, but should return one number"
        raise ValueError(msg)


# -- norms -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where the sets that a norm normalises lie in the arrays that it takes.

    `shape` is None where it takes any array of three axes; `axes` are those of one set, in order. Arrays come from
    claims as (batch, channels, length), of which a group norm of a given shape takes those axes as they are.
    """

    op: str
    shape: tuple[int, ...] | None
    axes: tuple[int, ...]

    @property
    def kept(self) -> tuple[int, ...]:
        """The axes along which sets differ."""
        return tuple(a for a in range(len(self.shape or (0, 0, 0))) if a not in self.axes)

    @property
    def sizes(self) -> Mapping[str, int]:
        """batch, channels and length of the claims' arrays; `shape` is given."""
        assert self.shape is not None
        if self.op == "group_norm":
            return {"batch": self.shape[0], "channels": self.shape[1], "length": int(np.prod(self.shape[2:]))}
        of = {name: int(np.prod([self.shape[a] for a in axes])) for name, axes in self._named}
        return {"batch": 1, **of}

    @property
    def _named(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return (("channels", self.kept), ("length", self.axes))

    def there(self, x: Floats) -> Floats:
        """The claims' array as the norm takes it."""
        if self.shape is None:
            return np.moveaxis(x, *self._moved)
        if self.op == "group_norm":
            return x.reshape(self.shape)
        order = (*self.kept, *self.axes)
        return x.reshape([self.shape[a] for a in order]).transpose(np.argsort(order))

    def back(self, y: Floats, shape: tuple[int, ...]) -> Floats:
        """The norm's array in the claims' `shape`."""
        if self.shape is None:
            return np.moveaxis(y, *reversed(self._moved))
        return (y if self.op == "group_norm" else y.transpose(*self.kept, *self.axes)).reshape(shape)

    @property
    def _moved(self) -> tuple[int, int]:
        """From where to where one axis goes: the channels' of a batch norm, else that of the sets."""
        if self.op == "group_norm":
            return 2, 2
        return (1, self.kept[0]) if self.op == "batch_norm" else (2, self.axes[0])


RUNNING = ("running_mean", "running_var")


def norm(yours: Yours, layout: Layout) -> Norm:
    """`function(x)` returns x normalised; or that with the running mean and variance after one step from (0, 1).

    A module that keeps running statistics takes that step as a copy of itself.
    """

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        theirs = layout.there(np.asarray(x))
        keeps = getattr(yours.function, "running_mean", None) is not None
        function = copy.deepcopy(yours.function) if keeps else yours.function
        y = function(yours.library.array(theirs, dtype))
        statistics = [function.running_mean, function.running_var] if keeps else []
        if isinstance(y, tuple) and len(y) == 3:
            y, *statistics = y
        running = dict(zip(RUNNING, (floats(r).ravel() for r in statistics), strict=False))
        return {"output": layout.back(yours.read(y, theirs.shape), x.shape), **running}

    return Norm(name=yours.name, framework=YOURS, op=layout.op, apply=apply)


def vjp(yours: Yours, backward: Any, x: Floats, dy: Floats, dtype: str) -> Floats:
    """The gradient at x that the function's library finds for dy at its output, or that `backward(x, dy)` gives."""
    a, b = (yours.library.array(each, dtype) for each in (x, dy))
    if callable(backward):
        return yours.read(backward(a, b), x.shape)
    if yours.library.name == "torch":
        leaf = a.requires_grad_(True)
        y = copy.deepcopy(yours.function)(leaf)  # a module's running statistics stay as they are
        if y.requires_grad:
            y.backward(b)
            return floats(leaf.grad)
    if yours.library.name == "jax":
        import jax

        return floats(jax.vjp(yours.function, a)[1](b)[0])
    msg = f"{yours.name} has no gradient in {yours.library.name}: give gradient=backward, a function of x and dy"
    raise ValueError(msg)


# -- clipping ----------------------------------------------------------------------------------------------------------


def clipper(yours: Yours, op: str) -> Clipper:
    """`function(arrays, limit)` returns arrays, arrays and their norm, or clips in place.

    What clips in place returns nothing, or the norm. A torch tensor carries itself as its gradient, so that what clips
    the gradients of parameters finds them.
    """

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        made = {id(g): yours.library.array(g, dtype) for g in grads}  # an array given twice stays one array
        given = [made[id(g)] for g in grads]
        if yours.library.name == "torch":
            for one in made.values():
                one.grad = one.clone()
        before = [floats(one) for one in given]
        leaves, reported = _clipped(yours, yours.function(given, limit), given)
        if leaves is None:
            return [_in_place(x, was) for x, was in zip(given, before, strict=True)], reported
        return [yours.read(y, was.shape) for y, was in zip(leaves, before, strict=True)], reported

    return Clipper(name=yours.name, framework=YOURS, op=op, apply=apply)


def _clipped(yours: Yours, result: Any, given: list[Any]) -> tuple[Sequence[Any] | None, float | None]:
    """The arrays that were returned, None where they were clipped in place, and the norm, where one is reported."""
    if result is None:
        return None, None
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], list | tuple):
        return _clipped(yours, result[0], given)[0], yours.number(result[1])
    if isinstance(result, list | tuple):
        if len(result) == len(given):
            return result, None
        msg = f"{yours.name} returns {len(result)} arrays for {len(given)}"
        raise ValueError(msg)
    return None, yours.number(result)


def _in_place(x: Any, was: Floats) -> Floats:
    """The gradient where that changed, else the array itself."""
    gradient = getattr(x, "grad", None)
    if gradient is not None and not np.array_equal(floats(gradient), was):
        return floats(gradient)
    return floats(x)


def per_parameter(whole: Clipper) -> Clipper:
    """A clip of each leaf by its own norm, as a clip of one leaf: others beside it must not matter."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        large, small = np.full(5, 3.0 * limit if 0 < limit < 1e3 else 3.0), np.zeros(3)
        clipped, _ = whole.apply([large, flatten(grads), small], limit, dtype, device)
        return unflatten(clipped[1], grads), None

    return Clipper(name=whole.name, framework=whole.framework, op="clip_norm", apply=apply)


# -- dropout and losses ------------------------------------------------------------------------------------------------


def dropout(yours: Yours, op: str) -> Dropout:
    """`function(x, p, seed)` returns x with units dropped."""

    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        return yours.read(yours.function(yours.library.array(x, dtype), p, seed), x.shape)

    return Dropout(name=yours.name, framework=YOURS, op=op, apply=apply)


def loss(yours: Yours, smoothing: str = "", ignored: str = "") -> Loss:
    """`function(logits, labels)` returns the mean over the rows; the loss of a row is the mean of that row alone.

    smoothing, ignored: what the function calls these arguments of its own, where it has them.
    """

    def mean(logits: Floats, labels: NDArray[np.int64], dtype: str) -> float:
        make = yours.library.array
        return yours.number(yours.function(make(logits, dtype), make(labels, _labels(yours.library))))

    def apply(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
        if reduction == "mean":
            return np.asarray(mean(logits, labels, dtype))
        return np.array([mean(logits[i : i + 1], labels[i : i + 1], dtype) for i in range(len(labels))])

    def adjusted(
        logits: Floats, labels: NDArray[np.int64], smoothed: float, left_out: int | None, dtype: str, device: str
    ) -> Floats:
        make = yours.library.array
        more = ({smoothing: smoothed} if smoothed else {}) | ({ignored: left_out} if left_out is not None else {})
        y = yours.function(make(logits, dtype), make(labels, _labels(yours.library)), **more)
        return np.asarray(yours.number(y))

    adjusts = tuple(name for name, given in (("smoothing", smoothing), ("ignored", ignored)) if given)
    return Loss(
        name=yours.name, framework=YOURS, op="cross_entropy", apply=apply, adjusts=adjusts,
        adjusted=adjusted if adjusts else None,
    )  # fmt: skip


def _labels(library: Library) -> str:
    return "int32" if library.name == "jax" else "int64"
