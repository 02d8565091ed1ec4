"""Rows written once: how each kind of subject is run on any framework's `Boundary`.

A framework's tables say what is called and what its documentation promises; the functions here make the records of it.
They take the framework's own tensors and give them back, so a table holds one expression a row:

    norm(TORCH, "torch.nn.functional.rms_norm", "rms_norm", lambda x, c: f().rms_norm(x, x.shape[-1:], eps=c["eps"]))
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.complex_parts import NO_16_BITS
from varlaw.subjects.defaults import with_default
from varlaw.subjects.leaves import flatten, unflatten
from varlaw.subjects.subject import (
    Case,
    Clipper,
    Draws,
    Dropout,
    Floats,
    Framework,
    Loss,
    Norm,
    Normaliser,
    Numbers,
    Sampler,
    Tensor,
)

ZEROS, ONES = "Constant(0)", "Constant(1)"
AFFINE = {"weight": ONES, "bias": ZEROS}
RUNNING = ("running_mean", "running_var")
# The table that torch documents, and those who follow it, by the names that laws have for activations.
TORCH_GAINS = {
    "linear": "1",
    "sigmoid": "1",
    "tanh": "5/3",
    "relu": "sqrt(2)",
    "leaky_relu:0.01": "sqrt(2/(1 + 0.01**2))",
    "leaky_relu:0.2": "sqrt(2/(1 + 0.2**2))",
    "selu": "3/4",
}

Call = Callable[[Any, Case], Any]  # (x, case) -> output, or (output, running mean, running variance)
Affine = Callable[[Any, Any, Any, Case], Any]  # (x, weight, bias, case) -> output
Drop = Callable[[Any, float, Any], Any]  # (x, p, key where the framework has keys) -> y
Clip = Callable[..., tuple[Sequence[Any], Any]]  # (leaves, limit, **arguments) -> leaves and their norm, or None
Draw = Callable[[int, str, str, Any], Any]  # (count, dtype, device, key where the framework has keys) -> count numbers
Divide = Callable[[Any, Any], Any]  # (x, key where the framework has keys) -> x divided


def sampler(
    of: Boundary,
    name: str,
    op: str,
    build: Any,
    tensors: Mapping[str, str],
    *,
    layouts: Mapping[str, str] | None = None,
    claims: Mapping[str, Mapping[str, str]] | None = None,
    own: Callable[[str], Mapping[str, Any]] = lambda tensor: {},
    **rest: Any,
) -> Sampler:
    """What `build` draws: tensor -> documented law, with layouts and further claims by tensor.

    `build` is what `of.draws` takes. A function of one tensor has the tensor "". `own` gives the measure and the shape
    of a tensor, where a sampler has several.
    """
    return drawn(of, name, op, of.draws(build), tensors, layouts=layouts, claims=claims, own=own, **rest)


def drawn(
    of: Framework,
    name: str,
    op: str,
    draws: Draws,
    tensors: Mapping[str, str],
    *,
    layouts: Mapping[str, str] | None = None,
    claims: Mapping[str, Mapping[str, str]] | None = None,
    own: Callable[[str], Mapping[str, Any]] = lambda tensor: {},
    **rest: Any,
) -> Sampler:
    """What `draws` gives, where that is not what the framework makes of a builder: the arguments of `sampler`."""
    rows = tuple(
        Tensor(name=n, documented=law, layout=(layouts or {}).get(n), claims=(claims or {}).get(n, {}), **own(n))
        for n, law in tensors.items()
    )
    return Sampler(name=name, framework=of, op=op, tensors=rows, draws=draws, **rest)


# -- axes -------------------------------------------------------------------------------------------------------------


class View(Protocol):
    """How arrays of shape (batch, channels, length) are laid out for a call."""

    def arranged(self, x: Floats) -> Floats:
        """The claims' array as the call takes it."""

    def restored(self, y: Floats, shape: tuple[int, ...]) -> Floats:
        """What the call returned in the claims' `shape`."""


@dataclass(frozen=True)
class Spatial:
    """With `dims` spatial axes, all but the first of length 1; channels come second or last."""

    dims: int = 1
    channels_last: bool = False

    def arranged(self, x: Floats) -> Floats:
        """x with its channels where they belong."""
        batch, channels, length = x.shape
        sides = (length,) + (1,) * (self.dims - 1)
        if self.channels_last:
            return x.transpose(0, 2, 1).reshape(batch, *sides, channels)
        return x.reshape(batch, channels, *sides)

    def restored(self, y: Floats, shape: tuple[int, ...]) -> Floats:
        """y as (batch, channels, length) again."""
        if not self.channels_last:
            return y.reshape(shape)
        batch, channels, length = shape
        return np.ascontiguousarray(y.reshape(batch, length, channels).transpose(0, 2, 1))


# -- norms -------------------------------------------------------------------------------------------------------------


def norm(
    of: Boundary,
    name: str,
    op: str,
    call: Call,
    *,
    dims: int = 1,
    channels_last: bool = False,
    view: View | None = None,
    evaluated: Call | None = None,
    affine: Affine | None = None,
    **rest: Any,
) -> Norm:
    """`call` takes x with `dims` spatial axes, its channels second or last, or as `view` lays it out.

    It returns the output, or a triple with the running statistics after one step; `evaluated` does so with the output
    in evaluation mode, and `affine(x, weight, bias, case)` gives the output with these.
    """
    axes = view or Spatial(dims, channels_last)

    def run(call: Call) -> Callable[[Floats, Case, str, str], Mapping[str, Floats]]:
        def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
            with of.place(dtype, device):
                y, *running = _tuple(call(of.array(axes.arranged(x), dtype, device), case))
                seen = {n: of.floats(r).ravel() for n, r in zip(RUNNING, running, strict=False)}
                return {"output": axes.restored(of.floats(y), x.shape), **seen}

        return apply

    def weighted(x: Floats, weight: Floats, bias: Floats, case: Case, dtype: str, device: str) -> Floats:
        assert affine
        with of.place(dtype, device):
            given, scale, shift = (of.array(a, dtype, device) for a in (axes.arranged(x), weight, bias))
            return axes.restored(of.floats(affine(given, scale, shift, case)), x.shape)

    def gradient(x: Floats, dy: Floats, case: Case, dtype: str, device: str) -> Floats:
        assert of.vjp
        with of.place(dtype, device):
            at, of_output = (of.array(axes.arranged(a), dtype, device) for a in (x, dy))
            return axes.restored(of.floats(of.vjp(lambda x: _tuple(call(x, case))[0], at, of_output)), x.shape)

    row = Norm(
        name=name,
        framework=of,
        op=op,
        apply=run(call),
        evaluated=run(evaluated) if evaluated else None,
        affine=weighted if affine else None,
        gradient=gradient if of.vjp else None,
        **rest,
    )
    return with_default(row)


def _of_ordinary_numbers(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """The moments of ordinary numbers, once: all else is asked where nothing is hidden."""
    asked = claim in ("norm.mean", "norm.second_moment", "norm.running_mean", "norm.running_var") and dtype == "float32"
    return [c for c in usual if asked and c["mean"] <= 10 * c["std"] and 0.01 <= c["std"] <= 100]


def masked(of: Boundary, name: str, op: str, call: Call, *, channels: int = 1, **rest: Any) -> Norm:
    """A norm that is told to leave out what `call` adds to x, which it hides by the norm's own mask.

    It is asked for so many channels and more.
    """
    asked: Any = lambda *of: [c for c in _of_ordinary_numbers(*of) if c["channels"] >= channels]  # noqa: E731
    row = norm(of, f"{name}(mask)", op, call, **rest)
    return replace(row, gradient=None, default=None, cases=asked, dtypes=("float32",))


def imaginary(of: Boundary, name: str, op: str, call: Call, **rest: Any) -> Norm:
    """The norm of i x, i times the norm of x: what squares complex numbers as they are takes -x^2 for |x|^2.

    Its settings and its gradient are asked of the real row.
    """
    asked: Any = lambda claim, usual, dtype: () if claim == "norm.settings" else usual  # noqa: E731 - one expression
    row = norm(of, f"{name}(complex)", op, lambda x, case: call(1j * x, case).imag, unsupported=NO_16_BITS, **rest)
    return replace(row, gradient=None, default=None, cases=asked)


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


# -- training ----------------------------------------------------------------------------------------------------------


def dropout(
    of: Boundary,
    name: str,
    op: str,
    drop: Drop,
    *,
    dims: int = 1,
    channels_last: bool = False,
    evaluated: Callable[[Any, float], Any] | None = None,
    **rest: Any,
) -> Dropout:
    """`drop` takes x as the call of `norm` does, and so does `evaluated`, which returns x as in evaluation mode."""
    axes = Spatial(dims, channels_last)

    def kept(x: Floats, p: float, dtype: str, device: str) -> Floats:
        assert evaluated
        with of.place(dtype, device):
            return axes.restored(of.floats(evaluated(of.array(axes.arranged(x), dtype, device), p)), x.shape)

    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        with of.chance(seed, dtype, device) as key:
            y = of.floats(drop(of.array(axes.arranged(x), dtype, device), p, key))
        return axes.restored(y, x.shape)

    return Dropout(name=name, framework=of, op=op, apply=apply, evaluated=kept if evaluated else None, **rest)


def loss(of: Boundary, name: str, call: Callable[..., Any], adjusts: tuple[str, ...] = (), **rest: Any) -> Loss:
    """`call(logits, labels, reduction)`; it takes `label_smoothing` and `ignore_index` where `adjusts` names them."""

    def apply(
        logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str, **more: Any
    ) -> Floats:
        with of.place(dtype, device):
            return of.floats(call(of.array(logits, dtype, device), of.labels(labels, device), reduction, **more))

    def adjusted(
        logits: Floats, labels: NDArray[np.int64], smoothing: float, ignored: int | None, dtype: str, device: str
    ) -> Floats:
        return apply(logits, labels, "mean", dtype, device, **_adjusting(smoothing, ignored))

    def weighted(
        logits: Floats,
        labels: NDArray[np.int64],
        weights: Floats,
        smoothing: float,
        ignored: int | None,
        dtype: str,
        device: str,
    ) -> Floats:
        with of.place(dtype, device):
            more = {"weight": of.array(weights, dtype, device), **_adjusting(smoothing, ignored)}
        return apply(logits, labels, "mean", dtype, device, **more)

    return Loss(
        name=name,
        framework=of,
        op="cross_entropy",
        apply=apply,
        weighted=weighted if "weights" in adjusts else None,
        adjusted=adjusted if adjusts else None,
        adjusts=adjusts,
        **rest,
    )


def _adjusting(smoothing: float, ignored: int | None) -> dict[str, Any]:
    more: dict[str, Any] = {"label_smoothing": smoothing} if smoothing else {}
    return more | ({"ignore_index": ignored} if ignored is not None else {})


def clipper(
    of: Boundary,
    name: str,
    op: str,
    clip: Clip,
    *,
    single: bool = False,
    adjusts: tuple[str, ...] = (),
    **rest: Any,
) -> Clipper:
    """With `single` it is given all gradients as one leaf, for rules that clip each leaf alone.

    `clip` takes the arguments that `adjusts` names as keywords.
    """

    def adjusted(
        grads: Sequence[Floats], limit: float, more: Mapping[str, Any], dtype: str, device: str
    ) -> tuple[list[Floats], float | None]:
        given = [flatten(grads)] if single else list(grads)
        with of.place(dtype, device):
            made = {id(g): of.array(g, dtype, device) for g in given}  # an array that is given twice stays one tensor
            clipped, norm = clip([made[id(g)] for g in given], limit, **more)
            found = [of.floats(g) for g in clipped]
            reported = None if norm is None else float(of.floats(norm).reshape(()))
        return unflatten(found[0], grads) if single else found, reported

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        return adjusted(grads, limit, {}, dtype, device)

    return Clipper(
        name=name, framework=of, op=op, apply=apply, adjusted=adjusted if adjusts else None, adjusts=adjusts, **rest
    )


def numbers(
    of: Boundary, name: str, documented: str, draw: Draw, *without: float, whole: bool = False, **rest: Any
) -> Numbers:
    """`without` are values that the documentation excludes; `whole` numbers are asked for once, not in each dtype."""

    def drawn(count: int, dtype: str, device: str, seed: int) -> Floats:
        with of.chance(seed, dtype, device) as key:
            found = draw(count, dtype, device, key)
            return found.astype(np.float64) if isinstance(found, np.ndarray) else of.floats(found)

    once: dict[str, Any] = {"dtypes": ("float32",)} if whole else {}
    row = {"name": name, "framework": of, "documented": documented, "draw": drawn, "without": without}
    return Numbers(**{**row, **once, **rest})


def rank(orders: Any) -> Any:
    """Which of the n! orders each row of an array (count, n) is, from 0 on."""
    orders = np.asarray(orders)
    n, place = orders.shape[1], np.zeros(len(orders))
    for i in range(n):
        place = place * (n - i) + (orders[:, i + 1 :] < orders[:, i : i + 1]).sum(axis=1)
    return place


def normaliser(of: Boundary, name: str, op: str, divide: Divide, **rest: Any) -> Normaliser:
    """`divide` takes a vector for op normalise, a matrix (outputs, inputs) for op spectral."""

    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        with of.chance(seed, dtype, device) as key:
            return of.floats(divide(of.array(x, dtype, device), key))

    return Normaliser(name=name, framework=of, op=op, apply=apply, **rest)
