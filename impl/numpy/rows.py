"""Rows of a 2-D NumPy array with mean 0 and mean square 1, and the statistics that make them so.

Sums are taken in short pieces, the mean about a value of the row, and rows whose squares leave the range of the dtype
are done again, scaled by a power of two.
"""

import functools
import math

import numpy as np

from varlaw.impl.numpy.streams import Array, in_parallel

LOST = {4: 2.0**-80, 8: 2.0**-900}  # of so many bytes: mean squares below it may lack entries that underflowed
PIECE = 512  # values whose squares are summed plainly
STRIP = 1 << 17  # values of a row norm that are worked on at a time, so that they are read from memory once


def quick_rms(x: Array, gamma: Array | None, eps: float, result: Array) -> bool:
    """Write the RMS norm of the rows of a native 2-D array into `result`; False, and nothing of use, of lost squares.

    `eps` must be so large that squares which vanish do not matter.
    """
    step = max(STRIP // x.shape[1], 1)
    starts, lost = range(0, len(x), step), []

    def run(first: int, stride: int) -> None:
        for start in starts[first::stride]:
            given, out = x[start : start + step], result[start : start + step]
            with np.errstate(over="ignore", invalid="ignore"):
                square = sums(given, given) / x.dtype.type(x.shape[1])
                if not square.max() < math.inf:  # or NaN
                    lost.append(start)
                    return
                scale = 1 / np.sqrt(square + x.dtype.type(eps))
                np.multiply(given, scale[:, None], out=out)
                if gamma is not None:
                    np.multiply(out, gamma, out=out)

    in_parallel(run, len(starts))
    return not lost


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
    if b is not None and length <= PIECE:
        return np.asarray(dots(a, b))
    whole = length - length % PIECE
    if b is not None and whole == length:
        return np.asarray(dots(a.reshape(count, -1, PIECE), b.reshape(count, -1, PIECE)).sum(axis=1))
    ones = np.ones(PIECE, a.dtype) if b is None else None
    total = np.zeros(count, a.dtype)
    if whole:
        pieces = a[:, :whole].reshape(count, -1, PIECE)
        others = ones if b is None else b[:, :whole].reshape(count, -1, PIECE)
        total += dots(pieces, others).sum(axis=1)
    if whole < length:
        total += dots(a[:, whole:], ones[: length - whole] if ones is not None else b[:, whole:])  # type: ignore[index]
    return total


dots = getattr(np, "vecdot", None) or functools.partial(np.einsum, "...i,...i->...")  # vecdot came with NumPy 2.0
