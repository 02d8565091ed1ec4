"""Somebody's own norm, clip, dropout or loss as a subject: the same records as a framework's rows.

What the function returns is looked at as it comes back: another shape, or no array at all, is a `ValueError` in one
line that names the function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varlaw.subjects import norm_rows, rows
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.builders.frameworks import framework_of
from varlaw.subjects.builders.instances import seeded
from varlaw.subjects.builders.modes import Twin, flags_of, has_modes, is_module, twin
from varlaw.subjects.leaves import flatten, unflatten
from varlaw.subjects.libraries import NARROWED, Library, floats
from varlaw.subjects.subject import Case, Clipper, Dropout, Floats, Loss, Norm


@dataclass(frozen=True)
class Yours:
    """A function of somebody's, its name, and the library whose arrays it takes."""

    function: Any
    name: str
    library: Library

    @property
    def of(self) -> Boundary:
        """The boundary to it, as rows are made over: arrays of its library."""
        return replace(
            framework_of(self.library.name), name="yours", version=lambda: "", devices=lambda: ("cpu",),
            array=lambda x, dtype, device: self.library.array(x, dtype),
            labels=lambda labels, device: self.library.array(labels, _labels(self.library)),
        )  # fmt: skip

    def read(self, y: Any, like: Any) -> Floats:
        """What the function returned, which should be an array of the shape of the one that it was given."""
        got, shape = tuple(getattr(y, "shape", ())) if hasattr(y, "dtype") else None, tuple(like.shape)
        if got == shape:
            refuse_narrowed(y, like)
            return floats(y)
        returned = type(y).__name__ if got is None else f"an array of shape {got}"
        msg = f"{self.name} returns {returned}, but should return an array of shape {shape}"
        raise ValueError(msg)

    def number(self, y: Any, like: Any = None) -> float:
        """What the function returned, which should be one number, of the format of what it was given."""
        if hasattr(y, "dtype") and like is not None:
            refuse_narrowed(y, like)
        if isinstance(y, int | float) or (hasattr(y, "dtype") and tuple(y.shape) in ((), (1,))):
            return float(floats(y).reshape(()) if hasattr(y, "dtype") else y)
        got = f"an array of shape {tuple(y.shape)}" if hasattr(y, "shape") else type(y).__name__
        msg = f"{self.name} returns {got}, but should return one number"
        raise ValueError(msg)


def refuse_narrowed(y: Any, like: Any) -> None:
    """`ValueError` where JAX took NumPy's float64 for float32: what that leaves is no rounding of float64."""
    if type(y).__module__.startswith("jax") and (str(like.dtype), str(y.dtype)) == ("float64", "float32"):
        raise ValueError(NARROWED)


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

    def spread(self, statistics: Floats) -> Floats:
        """Running statistics of each channel for all sets, where samples are sets of their own."""
        if self.op != "instance_norm" or self.shape is None:
            return statistics
        return np.tile(statistics.ravel(), self.sizes["channels"] // statistics.size)

    @property
    def _named(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return (("channels", self.kept), ("length", self.axes))

    def arranged(self, x: Floats) -> Floats:
        """The claims' array as the norm takes it."""
        if self.shape is None:
            return np.moveaxis(x, *self._moved)
        if self.op == "group_norm":
            return x.reshape(self.shape)
        order = (*self.kept, *self.axes)
        return x.reshape([self.shape[a] for a in order]).transpose(np.argsort(order))

    def restored(self, y: Floats, shape: tuple[int, ...]) -> Floats:
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


def norm(yours: Yours, layout: Layout, evaluate: Any = None) -> Norm:
    """`function(x)` returns x normalised; or that with the running mean and variance after one step from (0, 1).

    A module takes that step as a copy of itself, which is then asked in evaluation mode;
    `evaluate(x, running mean, running variance)` evaluates where there is none.
    """

    def call(x: Any, case: Case) -> tuple[Any, ...]:
        _, (y, *statistics) = stepped(x)
        return (yours.read(y, x), *statistics)

    def stepped(x: Any) -> tuple[Twin, tuple[Any, ...]]:
        """A copy after one step, and what that gave."""
        one = twin(yours.function)
        y = one(x, training=True)
        return one, y if isinstance(y, tuple) and len(y) == 3 else (y, *one.statistics())

    def evaluated(x: Any, case: Case) -> tuple[Any, ...]:
        one, (_, *statistics) = stepped(x / 2)  # of other numbers, or those of a first step are the batch's own
        kept = [floats(s).copy() for s in statistics]
        if evaluate is not None:
            y = evaluate(x, *statistics)
        else:
            one(x, training=False)  # what evaluation does to the statistics shows in the next
            y = _output(one(x, training=False))
        return (yours.read(y, x), *map(layout.spread, kept))

    asked = evaluate is not None or (has_modes(yours.function) and _keeps_its_own(yours.function, layout))
    row = norm_rows.norm(yours.of, yours.name, layout.op, call, view=layout, evaluated=evaluated if asked else None)
    return replace(row, default=None, arguments=False, careful=False)


def _keeps_its_own(function: Any, layout: Layout) -> bool:
    """Whether what evaluation needs is in the thing itself: a function keeps nothing from the step before."""
    return is_module(function) or not flags_of(function) or layout.op not in ("batch_norm", "instance_norm")


def vjp(yours: Yours, backward: Any, x: Floats, dy: Floats, dtype: str) -> Floats:
    """The gradient at x that the function's library finds for dy at its output, or that `backward(x, dy)` gives."""

    def step(x: Any) -> Any:
        return _output(twin(yours.function)(x, training=True))

    a, b = (yours.library.array(each, dtype) for each in (x, dy))
    if callable(backward):
        return yours.read(backward(a, b), a)
    if yours.library.name == "torch":
        leaf = a.requires_grad_(True)
        y = step(leaf)
        if y.requires_grad:
            y.backward(b)
            return floats(leaf.grad)
    if yours.library.name == "jax" or type(step(a)).__module__.startswith("jax"):
        import jax

        return floats(jax.vjp(step, a)[1](b)[0])
    msg = f"{yours.name} has no gradient in {yours.library.name}: give gradient=backward, a function of x and dy"
    raise ValueError(msg)


def _output(y: Any) -> Any:
    """What is normalised, of a norm that returns running statistics besides."""
    return y[0] if isinstance(y, tuple) else y


# -- clipping ----------------------------------------------------------------------------------------------------------


def clipper(yours: Yours, op: str, order: str = "") -> Clipper:
    """`function(arrays, limit)` returns arrays, arrays and their norm, or clips in place.

    order: what the function calls its argument for the order of the norm, where it has one.

    What clips in place returns nothing, or the norm. A torch tensor carries itself as its gradient, so that what clips
    the gradients of parameters finds them.
    """

    def clip(given: list[Any], limit: float, **arguments: Any) -> tuple[Sequence[Any], float | None]:
        if yours.library.name == "torch":
            for one in given:
                one.grad = one.clone()
        before = [floats(one).copy() for one in given]
        more = {order: arguments["order"]} if arguments else {}
        leaves, reported = _clipped(yours, yours.function(given, limit, **more), given)
        if leaves is None:
            return [_in_place(x, was) for x, was in zip(given, before, strict=True)], reported
        return [yours.read(y, one) for y, one in zip(leaves, given, strict=True)], reported

    return rows.clipper(yours.of, yours.name, op, clip, adjusts=("order",) if order else ())


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

    return replace(whole, op="clip_norm", apply=apply, adjusted=None, adjusts=())


# -- dropout and losses ------------------------------------------------------------------------------------------------


def dropout(yours: Yours, op: str, evaluate: Any = None) -> Dropout:
    """`function(x, p, seed)` returns x with units dropped; or it is a module, or the class of one that is made of p.

    `evaluate(x, p)` returns x as in evaluation; a module is put into that mode.
    """
    module = is_module(yours.function)

    def drop(x: Any, p: float, seed: int) -> Floats:
        return yours.read(in_mode(x, p, seed, training=True), x)

    def in_mode(x: Any, p: float, seed: int, *, training: bool) -> Any:
        if not module:
            return twin(yours.function)(x, p, seed, training=training)
        with seeded(seed, "float32", "cpu"):
            return twin(yours.function, seed, p)(x, training=training)

    def evaluated(x: Floats, p: float, dtype: str, device: str) -> Floats:
        given = yours.library.array(x, dtype)
        return yours.read(evaluate(given, p) if evaluate else in_mode(given, p, 0, training=False), given)

    row = rows.dropout(yours.of, yours.name, op, drop)
    asked = evaluate or has_modes(yours.function)
    return replace(row, evaluated=evaluated if asked else None)


def loss(yours: Yours, smoothing: str = "", ignored: str = "") -> Loss:
    """`function(logits, labels)` returns the mean over the rows; the loss of a row is the mean of that row alone.

    smoothing, ignored: what the function calls these arguments of its own, where it has them.
    """

    def call(
        logits: Any, labels: Any, reduction: str, *, label_smoothing: float = 0.0, ignore_index: int | None = None
    ) -> Any:
        more = {smoothing: label_smoothing} if label_smoothing else {}
        more |= {} if ignore_index is None else {ignored: ignore_index}
        parts = [slice(None)] if reduction == "mean" else [slice(i, i + 1) for i in range(len(labels))]
        losses = [yours.number(yours.function(logits[part], labels[part], **more), logits) for part in parts]
        return losses[0] if reduction == "mean" else losses

    adjusts = tuple(name for name, given in (("smoothing", smoothing), ("ignored", ignored)) if given)
    return rows.loss(yours.of, yours.name, call, adjusts)


def _labels(library: Library) -> str:
    return "int32" if library.name == "jax" else "int64"
