"""Rows of a 2-D NumPy array with mean 0 and mean square 1, and the statistics that make them so.

Sums are taken in short pieces, the mean about a value of the row, and rows whose squares leave the range of the dtype
are done again, scaled by a power of two.
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.impl.numpy.streams import Array, in_parallel

LOST = {4: 2.0**-80, 8: 2.0**-900}  # of so many bytes: mean squares below it may lack entries that underflowed
PIECE = 512  # values whose squares are summed plainly
STRIP = 1 << 17  # values of a row norm that are worked on at a time, so that they are read from memory once


def quick_norm(x: Array, gamma: Array | None, beta: Array | None, eps: float, centred: bool, result: Array) -> bool:
    """Write the norm of the rows of a native 2-D array into `result`; False, and nothing of use, of lost squares.

    `eps` must be so large that squares which vanish do not matter.
    """
    step = max(STRIP // x.shape[1], 1)
    starts, lost = range(0, len(x), step), []

    def run(first: int, stride: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            for start in starts[first::stride]:
                given, out = x[start : start + step], result[start : start + step]
                scale = inverse_rms(_centred(given, out) if centred else given, eps)
                if scale is None:
                    lost.append(start)
                    return
                np.multiply(out if centred else given, scale, out=out)
                if gamma is not None:
                    np.multiply(out, gamma, out=out)
                if beta is not None:
                    np.add(out, beta, out=out)

    in_parallel(run, len(starts))
    return not lost


def _centred(given: Array, out: Array) -> Array:
    np.subtract(given, given[:, :1], out=out)  # exact zeros for a constant row, and no digits lost to a large mean
    rest = sums(out, None)
    rest /= out.dtype.type(out.shape[1])
    return np.subtract(out, rest[:, None], out=out)


def inverse_rms(given: Array, eps: float) -> Array | None:
    """A column of 1 / sqrt(mean square + eps) of each row, or None where a square is not finite."""
    kind = given.dtype.type
    square = sums(given, given)
    square /= kind(given.shape[1])
    if not np.maximum.reduce(square) < math.inf:  # or NaN
        return None
    square += kind(eps)
    return np.reciprocal(np.sqrt(square, out=square), out=square)[:, None]


def standardise(given: Array, work: Array, eps: float, centred: bool) -> tuple[Array, Array, Array]:
    """Write normalised rows into `work`, of a working dtype; float64 means, biased variances (mean squares), scales."""
    mean, square, scale = _standardise(given, work, np.full(1, eps), centred)
    least = LOST[work.itemsize]
    lost = ~((square >= (least if eps < least else 0.0)) & (square < math.inf))
    if lost.any():
        rows, sized = np.flatnonzero(lost), given[lost].astype(work.dtype)
        exponent = np.frexp(np.maximum(np.max(np.abs(sized), axis=1), math.sqrt(eps)))[1]
        part = np.empty_like(sized)
        found = _standardise(np.ldexp(sized, -exponent[:, None]), part, np.ldexp(eps, -2 * exponent), centred)
        work[rows] = part
        for all_of_them, some, power in zip((mean, square, scale), found, (1, 2, -1), strict=True):
            all_of_them[rows] = np.ldexp(some, power * exponent)
    return mean, square, scale


def _standardise(given: Array, work: Array, eps: Array, centred: bool) -> tuple[Array, Array, Array]:
    length, kind = work.shape[1], work.dtype.type
    if centred:
        shift = given[:, :1].astype(kind)  # exact zeros for a constant row, and no digits lost to a large mean
        np.subtract(given, shift, out=work, dtype=kind, casting="unsafe")
        rest = sums(work, None)[:, None] / kind(length)
        work -= rest
        mean = (shift.astype(np.float64) + rest)[:, 0]
        values = work
    else:
        mean = np.zeros(work.shape[0])
        values = given if given.dtype == kind else given.astype(kind)
    square = sums(values, values) / kind(length)
    spread = np.sqrt(square + eps.astype(kind))
    scale = np.divide(kind(1), spread, out=np.zeros_like(square), where=spread != 0)
    np.multiply(values, scale[:, None], out=work)
    return mean, square.astype(np.float64), scale.astype(np.float64)


def sums(a: Array, b: Array | None) -> Array:
    """Sums of a * b (or of a) along rows, in pieces short enough that a plain sum keeps its digits."""
    count, length = a.shape
    if length <= PIECE:
        return np.asarray(dots(a, _ones(a.dtype)[:length] if b is None else b))
    whole = length - length % PIECE
    pieces = a[:, :whole].reshape(count, -1, PIECE)
    others = _ones(a.dtype) if b is None else pieces if b is a else b[:, :whole].reshape(count, -1, PIECE)
    total: Array = np.add.reduce(dots(pieces, others), axis=1)
    if whole < length:
        total += dots(a[:, whole:], _ones(a.dtype)[: length - whole] if b is None else b[:, whole:])
    return total


@functools.cache
def _ones(kind: np.dtype[Any]) -> Array:
    return np.ones(PIECE, kind)


dots = getattr(np, "vecdot", None) or functools.partial(np.einsum, "...i,...i->...")  # vecdot came with NumPy 2.0
