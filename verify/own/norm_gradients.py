"""The gradient of a user's norm against the one that its law has, on the same sets.

Of a set with y = c/sigma, c = x - mean (or x): dx = (dy - mean of dy - y times the mean of y dy)/sigma, the second term
only where the norm is centred (Ioffe and Szegedy 2015, section 3).
"""

import math
from typing import Any

import numpy as np

from varlaw.claims.claim import Finding, deterministic
from varlaw.claims.norms.normalisation import rows_of
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Floats
from varlaw.subjects.yours import Layout, Yours, vjp

_ROUNDINGS = 64.0  # of one entry of a gradient, each relative to the largest


def gradient(yours: Yours, layout: Layout, case: dict[str, Any], backward: Any, dtype: str, x: Floats) -> Finding:
    """The gradient at x for a random one at the output; `backward(x, dy)` gives it where no library does."""
    fmt = FORMATS[dtype]
    x, dy = fmt.round_all(x), fmt.round_all(np.random.default_rng(1).standard_normal(x.shape))
    seen = layout.restored(vjp(yours, backward, layout.arranged(x), layout.arranged(dy), dtype), x.shape)
    rows, grads, found = (rows_of(a, layout.op, case) for a in (x, dy, seen))
    expected = _expected(rows, grads, case["eps"], centred=layout.op != "rms_norm")
    size = np.abs(grads).max(axis=1, keepdims=True) / np.sqrt(_variance(rows, layout.op) + case["eps"])
    error = _ROUNDINGS * rows.shape[1] * fmt.unit * (1 + np.abs(rows).max() / np.sqrt(_variance(rows, layout.op).min()))
    bounds = np.broadcast_to(error * size, expected.shape)
    comparison = compare(found.ravel().tolist(), expected.ravel().tolist(), bounds.ravel().tolist())
    return deterministic(comparison, quantity="gradient")


def _variance(rows: Floats, op: str) -> Floats:
    found: Floats = (rows**2).mean(axis=1, keepdims=True) if op == "rms_norm" else rows.var(axis=1, keepdims=True)
    return found


def _expected(rows: Floats, dy: Floats, eps: float, *, centred: bool) -> Floats:
    c = rows - rows.mean(axis=1, keepdims=True) if centred else rows
    sigma = np.sqrt((c**2).mean(axis=1, keepdims=True) + eps)
    y = c / sigma
    mean = dy.mean(axis=1, keepdims=True) if centred else 0.0
    found: Floats = (dy - mean - y * (y * dy).mean(axis=1, keepdims=True)) / sigma
    return found


def probe(shape: tuple[int, ...]) -> Floats:
    """An input whose sets have means and spreads of their own."""
    rng = np.random.default_rng(2)
    found: Floats = rng.standard_normal(shape) * math.e + rng.standard_normal((*shape[:2], 1))
    return found
