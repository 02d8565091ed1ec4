"""Clips that take more than gradients: adaptive ones, by the size of the weights, and those of accumulated gradients.

An accumulated one is asked as the usual clips are, in parts that add up; an adaptive one by each unit's limit.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.claims.clipping.adaptive import clipped, leaves
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


def adaptive(yours: Yours) -> Clipper:
    """`function(weights, grads, limit)` returns the clipped gradients; of leaves the first half are the weights."""

    def whole(given: list[Any], limit: float) -> list[Any]:
        half = len(given) // 2
        found = yours.function(given[:half], given[half:], limit)
        if not isinstance(found, list | tuple) or len(found) != half:
            msg = f"{yours.name} returns {type(found).__name__}, but should return {half} gradients"
            raise ValueError(msg)
        return [*given[:half], *found]

    row = clipper(replace(yours, function=whole), "clip_adaptive")

    def apply(given: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], None]:
        return row.apply(given, limit, dtype, device)[0][len(given) // 2 :], None

    return replace(row, apply=apply)


def cause_of_adaptive(subject: Clipper, dtype: str, eps: float) -> str:
    """The wrong units, among those that people take, or the missing eps, that give every entry; "" where none does."""
    fmt, limit = FORMATS[dtype], 0.3
    ways = {
        "units are the columns of matrices, not their rows": lambda w: (eps, tuple(a for a in range(w.ndim) if a != 1)),
        "a whole tensor is one unit, not each row": lambda w: (eps, tuple(range(w.ndim))),
        "every entry is a unit": lambda w: (eps, ()),
        "eps is missing: small weights let nothing through": lambda w: (0.0, None),
    }
    for said, way in ways.items():
        if all(_fits(subject, dtype, limit, way, *leaves(size, fmt)) for size in (1.0, 1e-6)):
            return said
    return ""


def _fits(subject: Clipper, dtype: str, limit: float, way: Any, weights: list[Floats], grads: list[Floats]) -> bool:
    seen, _ = subject.apply([*weights, *grads], limit, dtype, "cpu")
    wanted = [clipped(w, g, limit, *way(w)) for w, g in zip(weights, grads, strict=True)]
    unit = FORMATS[dtype].unit
    return all((np.abs(a - b) <= 256 * unit * np.abs(b)).all() for a, b in zip(seen, wanted, strict=True))
