"""Clipping of NumPy gradients, to the law: identity below the limit, the limit above, the direction kept.

`grads` is a sequence of float arrays, None where a parameter has no gradient. An array that occurs twice is one
gradient. Norms are sums in float64, scaled by a power of two where squares would overflow or underflow, so a norm is
right wherever it can be written: 1e200 or 1e-200 in float64 as well. No epsilon is added anywhere. Arrays that need no
clipping are returned as they are, the same objects; nothing is changed in place.

Entries that are not finite are refused (`nonfinite="raise"`), replaced by zero before anything is measured
(`"zero"`), or make the clip step aside and return the gradients untouched with their norm, inf or NaN (`"skip"`). A
`limit` that is negative or NaN is a `ValueError`; infinity limits nothing.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from varlaw.impl.arguments import choice, number, refuse
from varlaw.impl.clips import POLICIES, listed, slack, unit_axes
from varlaw.impl.numpy.streams import Array, dtype_of, largest

Grads: TypeAlias = Sequence[Array | None]

BLOCK = 1 << 15
SAFE = (1e-280, 1e300)  # sums of squares between which nothing that matters has overflowed or underflowed


def global_norm(grads: Grads) -> float:
    """Euclidean norm of all gradients taken as one vector, a Python float.

    grads: float arrays, None where a parameter has no gradient; one that occurs twice is one gradient.

    >>> global_norm([np.full(3, 2.0**600), np.array(2.0**600)]) == 2.0**601
    True
    """
    total, exponent = _norm(_unique(_leaves("grads", grads, "global_norm")))
    return _scaled(total, exponent)


def clip_by_global_norm(grads: Grads, limit: float, *, nonfinite: str = "raise") -> tuple[list[Array | None], float]:
    """All gradients times min(1, limit / norm), and the norm they had.

    grads: float arrays, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> clip_by_global_norm([np.array([3.0, 4.0])], 1.0)
    ([array([0.6, 0.8])], 5.0)
    """
    where = "clip_by_global_norm"
    ceiling = number("limit", limit, where, low=0.0, infinite=True)
    leaves = _policed(_leaves("grads", grads, where), nonfinite, where)
    total, exponent = _norm(_unique(leaves))
    norm = _scaled(total, exponent)
    if not math.isfinite(total) or norm <= ceiling * (1 + _slack(leaves)):
        return leaves, norm
    done = {id(leaf): _times(leaf, ceiling, total, exponent) for leaf in leaves if leaf is not None}
    return [None if leaf is None else done[id(leaf)] for leaf in leaves], norm


def clip_per_parameter(
    grads: Grads, limit: float, *, nonfinite: str = "raise"
) -> tuple[list[Array | None], list[float]]:
    """Each gradient times min(1, limit / its own norm), and the norms they had (0 for None).

    grads: float arrays, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> clip_per_parameter([np.array([3.0, 4.0]), np.array([0.5])], 1.0)
    ([array([0.6, 0.8]), array([0.5])], [5.0, 0.5])
    """
    where = "clip_per_parameter"
    ceiling = number("limit", limit, where, low=0.0, infinite=True)
    leaves = _policed(_leaves("grads", grads, where), nonfinite, where)
    norms = []
    for i, leaf in enumerate(leaves):
        total, exponent = _norm([] if leaf is None else [leaf])
        norms.append(_scaled(total, exponent))
        if leaf is not None and math.isfinite(total) and norms[-1] > ceiling * (1 + _slack([leaf])):
            leaves[i] = _times(leaf, ceiling, total, exponent)
    return leaves, norms


def clip_by_value(grads: Grads, limit: float) -> list[Array | None]:
    """Each entry moved into [-limit, limit]; infinities become the limit and NaN stays NaN.

    grads: float arrays, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.

    >>> clip_by_value([np.array([-3.0, 0.5])], 1.0)
    [array([-1. ,  0.5])]
    """
    ceiling = number("limit", limit, "clip_by_value", low=0.0, infinite=True)
    clipped: list[Array | None] = []
    for leaf in _leaves("grads", grads, "clip_by_value"):
        if leaf is None:
            clipped.append(None)
        else:
            end = leaf.dtype.type(ceiling if math.isinf(ceiling) else min(ceiling, largest(leaf.dtype)))
            clipped.append(np.asarray(np.clip(leaf, -end, end)).astype(leaf.dtype, copy=False))  # bfloat16 comes wider
    return clipped


def clip_adaptive(
    grads: Grads,
    parameters: Sequence[Array],
    ratio: float = 0.01,
    *,
    floor: float = 1e-3,
    layout: str | None = None,
    nonfinite: str = "raise",
) -> list[Array | None]:
    """Each output unit's gradient limited to `ratio` times its weights' norm, which counts as at least `floor`.

    A unit is what one output uses, by `layout` (see `varlaw.impl.fans`); a bias or a scalar is one unit as a whole
    (Brock et al. 2021, arXiv:2102.06171).

    grads: float arrays, None where a parameter has no gradient.
    parameters: one for each gradient, of its shape.
    ratio: the largest norm of a unit's gradient over that of its weights.
    floor: the least norm that a unit's weights count for.
    layout: what the axes of the weights mean (`varlaw.impl.fans`); by default the first one numbers the units.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> clip_adaptive([np.array([[3.0, 4.0]])], [np.array([[6.0, 8.0]])], 0.1)
    [array([[0.6, 0.8]])]
    """
    where = "clip_adaptive"
    share, least = number("ratio", ratio, where, low=0.0), number("floor", floor, where, low=0.0)
    leaves = _policed(_leaves("grads", grads, where), nonfinite, where)
    weights = _leaves("parameters", parameters, where)
    if len(weights) != len(leaves):
        refuse("len(parameters)", len(weights), f"{len(leaves)}, one for each gradient", where)
    for i, (leaf, weight) in enumerate(zip(leaves, weights, strict=True)):
        if leaf is None:
            continue
        if weight is None or weight.shape != leaf.shape:
            refuse(f"parameters[{i}].shape", getattr(weight, "shape", None), f"{leaf.shape}", where)
        if not np.isfinite(weight).all():
            refuse(
                f"parameters[{i}]", f"{int(np.sum(~np.isfinite(weight)))} of {weight.size} not finite", "finite", where
            )
        leaves[i] = _unitwise(leaf, weight, share, least, unit_axes(leaf.shape, layout, where))
    return leaves


def _leaves(name: str, grads: Any, where: str) -> list[Array | None]:
    leaves = listed(name, grads, np.ndarray, where)
    for leaf in leaves:
        if leaf is not None:
            dtype_of(leaf.dtype, where)
    return leaves


def _unique(leaves: list[Array | None]) -> list[Array]:
    return list({id(leaf): leaf for leaf in leaves if leaf is not None}.values())


def _slack(leaves: Sequence[Array | None]) -> float:
    return slack(leaf.dtype.name for leaf in leaves if leaf is not None)


def _policed(leaves: list[Array | None], nonfinite: str, where: str) -> list[Array | None]:
    choice("nonfinite", nonfinite, POLICIES, where)
    if nonfinite == "skip":
        return leaves
    clean: dict[int, Array] = {}
    for i, leaf in enumerate(leaves):
        if leaf is None or id(leaf) in clean:
            continue
        finite = np.isfinite(leaf)
        if not finite.all():
            if nonfinite == "raise":
                refuse(f"grads[{i}]", f"{int(leaf.size - finite.sum())} of {leaf.size} not finite", "finite", where)
            clean[id(leaf)] = np.where(finite, leaf, leaf.dtype.type(0))
        else:
            clean[id(leaf)] = leaf
    return [None if leaf is None else clean[id(leaf)] for leaf in leaves]


def _norm(leaves: Sequence[Array]) -> tuple[float, int]:
    """(t, e) with norm t * 2**e: e is zero unless squares leave the range of float64."""
    total = math.fsum(_squares(leaf, 0) for leaf in leaves)
    if SAFE[0] < total < SAFE[1]:
        return math.sqrt(total), 0
    with np.errstate(invalid="ignore"):  # NaN is an answer here
        peak = float(np.max([np.max(np.abs(leaf), initial=0) for leaf in leaves], initial=0))
    if peak == 0 or not math.isfinite(peak):
        return peak, 0
    exponent = math.frexp(peak)[1]
    return math.sqrt(math.fsum(_squares(leaf, -exponent) for leaf in leaves)), exponent


def _squares(leaf: Array, exponent: int) -> float:
    """Sum of the squares of leaf * 2**exponent, pairwise in float64."""
    flat = leaf.reshape(-1)
    work = np.empty(min(BLOCK, flat.size))
    parts = []
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for start in range(0, flat.size, BLOCK):
            part = work[: flat[start : start + BLOCK].size]
            part[...] = flat[start : start + BLOCK]
            if exponent:
                np.ldexp(part, exponent, out=part)
            np.multiply(part, part, out=part)
            parts.append(float(part.sum()))
    return sum(parts) if not all(map(math.isfinite, parts)) else math.fsum(parts)


def _scaled(total: float, exponent: int) -> float:
    try:
        return math.ldexp(total, exponent)
    except OverflowError:
        return math.inf


def _times(leaf: Array, ceiling: float, total: float, exponent: int) -> Array:
    """leaf * ceiling / (total * 2**exponent), rounded once to the dtype of the leaf."""
    return _shrunk(leaf, np.float64(ceiling), np.float64(total), np.int32(exponent))


def _shrunk(leaf: Array, ceiling: Any, total: Any, exponent: Any) -> Array:
    """leaf * ceiling / (total * 2**exponent), a factor below 1, in steps that lose nothing that the result can hold."""
    mantissa, power = np.frexp(ceiling)
    with np.errstate(under="ignore"):
        wide = leaf.astype(np.float64) * (mantissa / 2 / total)
        return np.asarray(np.ldexp(wide, power + 1 - exponent)).astype(leaf.dtype)


def _unit_norms(leaf: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """(t, e) with norms t * 2**e over `axes`, kept as axes of one, in float64."""
    wide = leaf.astype(np.float64)
    exponent = np.frexp(np.max(np.abs(wide), axis=axes, keepdims=True, initial=0))[1]
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        squares = np.sum(np.square(np.ldexp(wide, -exponent)), axis=axes, keepdims=True)
        return np.asarray(np.sqrt(squares)), exponent


def _unitwise(leaf: Array, weight: Array, share: float, least: float, axes: tuple[int, ...]) -> Array:
    total, exponent = _unit_norms(leaf, axes)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        ceiling = share * np.maximum(np.ldexp(*_unit_norms(weight, axes)), least)
        mantissa, power = np.frexp(ceiling)
        over = np.isfinite(total) & (np.ldexp(mantissa / total, power - exponent) * (1 + _slack([leaf])) < 1)
    if not over.any():
        return leaf
    whole = np.where(over, total, 1.0)
    return np.where(over, _shrunk(leaf, np.where(over, ceiling, 1.0), whole, np.where(over, exponent, 0)), leaf)
