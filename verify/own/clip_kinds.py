"""Clips that take more than gradients: adaptive ones, by the size of the weights, and those of accumulated gradients.

Both are asked as the usual clips are: an adaptive one by each unit's limit, an accumulated one in parts that add up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.claims.claim import Finding, deterministic
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Clipper, Floats
from varlaw.subjects.yours import Yours, clipper

# Factors of the gradient in its parts, all powers of two: they add up without rounding, but not once each was clipped.
_PARTS = {"mean": (4.0, -2.0), "sum": (2.0, -1.0)}
REDUCTIONS = tuple(_PARTS)


def accumulated(yours: Yours, reduction: str) -> Clipper:
    """`function(batches, limit)` of the gradients of several batches, as the clip of what they come to."""

    def whole(grads: list[Any], limit: float) -> Any:
        return yours.function([[factor * g for g in grads] for factor in _PARTS[reduction]], limit)

    return clipper(replace(yours, function=whole), "clip_norm")


def adaptive(yours: Yours, dtype: str, eps: float) -> Iterator[tuple[str, dict[str, Any], Finding]]:
    """`function(weights, grads, limit)`: each unit's gradient to at most limit times the norm of its weights.

    Brock et al. 2021, arXiv:2102.06171: units are the rows of matrices and kernels, or a whole vector; weights whose
    norm is below eps count as eps.
    """
    fmt = FORMATS[dtype]
    for limit in (0.01, 0.3):
        for size in (1.0, 1e-6):
            weights, grads = _leaves(size, fmt)
            given = [yours.library.array(w, dtype) for w in weights], [yours.library.array(g, dtype) for g in grads]
            seen = [yours.read(y, g.shape) for y, g in zip(_listed(yours, given, limit), grads, strict=True)]
            wanted = [_clipped(w, g, limit, eps) for w, g in zip(weights, grads, strict=True)]
            bounds = [64 * g[0].size * fmt.unit * np.abs(g) + fmt.spacing(0.0) for g in wanted]
            flat = [np.concatenate([x.ravel() for x in part]).tolist() for part in (seen, wanted, bounds)]
            comparison = compare(flat[0], flat[1], flat[2])
            yield "clip.adaptive", {"limit": limit, "weights": size}, deterministic(comparison, quantity="entry")


def _listed(yours: Yours, given: tuple[list[Any], list[Any]], limit: float) -> Sequence[Any]:
    found = yours.function(*given, limit)
    if not isinstance(found, list | tuple) or len(found) != len(given[1]):
        msg = f"{yours.name} returns {type(found).__name__}, but should return {len(given[1])} gradients"
        raise ValueError(msg)
    return found


def _leaves(size: float, fmt: Any) -> tuple[list[Floats], list[Floats]]:
    """A matrix, a kernel and a vector; gradients of rows on either side of every limit."""
    rng = np.random.default_rng(3)
    shapes = ((6, 20), (4, 3, 3, 3), (7,))
    weights = [fmt.round_all(size * rng.standard_normal(s)) for s in shapes]
    rows = [10.0 ** rng.uniform(-4, 1, (s[0] if len(s) > 1 else 1, *(1,) * (len(s) - 1))) for s in shapes]
    grads = [fmt.round_all(size * r * rng.standard_normal(s)) for r, s in zip(rows, shapes, strict=True)]
    return weights, grads


def _clipped(w: Floats, g: Floats, limit: float, eps: float) -> Floats:
    axes = tuple(range(1, w.ndim)) or (0,)
    most = limit * np.maximum(np.sqrt((w**2).sum(axis=axes, keepdims=True)), eps)
    norm = np.sqrt((g**2).sum(axis=axes, keepdims=True))
    found: Floats = g * np.where(norm > most, most / np.where(norm > 0, norm, 1.0), 1.0)
    return found
