"""Rows written once: how each kind of subject is run on any framework's `Boundary`.

A framework's tables say what is called and what its documentation promises; the functions here make the records of it.
They take the framework's own tensors and give them back, so a table holds one expression a row. Norms stand in
`norm_rows`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.leaves import flatten, unflatten
from varlaw.subjects.norm_rows import Spatial
from varlaw.subjects.subject import (
    Clipper,
    Draws,
    Dropout,
    Floats,
    Framework,
    Loss,
    Normaliser,
    Numbers,
    Sampler,
    Tensor,
)

ZEROS, ONES = "Constant(0)", "Constant(1)"
AFFINE = {"weight": ONES, "bias": ZEROS}
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
