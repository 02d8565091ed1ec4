"""Scores of a battery with their exact cumulants: what is summed, and what the sums are worth as evidence.

Every score has mean 0 and variance 1 under the law, or is sub-Gaussian with that variance. A process is the average of
exp(lambda sum s - n psi(lambda)) over a ladder of lambda, psi being the score's cumulant or a bound of it.
"""

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LADDER = np.array([sign * 0.4 * 2.0**-j for j in range(9) for sign in (1, -1)])
DEGREES = 8
POINT = 2.0**-20  # 24 random bits give no value of a float32 uniform or normal a larger probability
REPEAT_FACTORS = (4.0, 64.0, 1024.0)
_BLOCK = 4096


def line_sums(scores: Floats) -> Iterator[tuple[str, Floats]]:
    """Sums over whole tensors, rows and columns of scores of variance 1, scaled to variance 1 again."""
    flat = scores.reshape(len(scores), -1)
    yield "tensors", flat.sum(axis=1) / math.sqrt(flat.shape[1])
    if scores.ndim > 2:
        grid = scores.reshape(*scores.shape[:2], -1)
        yield "rows", grid.sum(axis=2) / math.sqrt(grid.shape[2])
        yield "columns", grid.sum(axis=1) / math.sqrt(grid.shape[1])


def spread(sums: Floats) -> float:
    """The sum of (s^2 - 1)/sqrt 2."""
    return float(((sums**2 - 1) / math.sqrt(2)).sum())


def sizes(u: Floats) -> Floats:
    """How large each entry is among its likes: uniform under the law, with mean 0 and variance 1, whatever its sign.

    Sums of such scores are sub-Gaussian: E exp(t s^2) <= (1 - 2 t)^(-1/2) for t > 0, so that the cumulant of a normal's
    square bounds theirs on the upper rungs. Rows of different scale show as a spread of these sums.
    """
    return math.sqrt(3) * (2 * np.abs(2 * u - 1) - 1)


def dot(x: Floats, y: Floats) -> float:
    """The sum of the products, without an array of them."""
    subscripts = "ijk"[: x.ndim]
    return float(np.einsum(f"{subscripts},{subscripts}->", x, y))


def legendre(t: Floats) -> Floats:
    """Orthonormal Legendre polynomials of degree 1..8 of t in [-1, 1], one a row, by Bonnet's recursion."""
    rows = np.empty((DEGREES + 1, t.size))
    rows[0], rows[1] = 1.0, t
    for k in range(1, DEGREES):
        np.multiply(t, rows[k], out=rows[k + 1])
        rows[k + 1] *= (2 * k + 1) / (k + 1)
        rows[k + 1] -= rows[k - 1] * (k / (k + 1))
    scaled: Floats = rows[1:] * np.sqrt(2 * np.arange(1, DEGREES + 1) + 1)[:, None]
    return scaled


def legendre_sums(t: Floats) -> Floats:
    """The sum of each of these polynomials over t, a block at a time, so that a block stays in the cache."""
    blocks = (t[start : start + _BLOCK] for start in range(0, t.size, _BLOCK))
    total: Floats = np.sum([legendre(block).sum(axis=1) for block in blocks], axis=0)
    return total


def repeats(values: Floats, ordered: Floats) -> Floats:
    """Log e-values, one a factor m, of how often a tensor's entries take a value that it had before.

    Entry i repeats one of at most i values with probability at most p = i 2^-20; the alternative is m times that.
    `ordered` holds the same values sorted, in which those that occur twice are found at once.
    """
    logs = _all_new(values.size)
    doubled = ordered[1:][ordered[1:] == ordered[:-1]]
    if doubled.size == 0:
        return logs
    at = np.flatnonzero(np.isin(values, doubled))
    at = np.delete(at, np.unique(values[at], return_index=True)[1])
    p, q = _repeat_rates(at)
    again: Floats = (np.log(q / p) - np.log1p(-q) + np.log1p(-p)).sum(axis=1)
    return logs + again


@functools.lru_cache(maxsize=256)
def _all_new(size: int) -> Floats:
    """The same where no value occurs twice."""
    p, q = _repeat_rates(np.arange(size))
    new: Floats = (np.log1p(-q) - np.log1p(-p)).sum(axis=1)
    return new


def _repeat_rates(at: Any) -> tuple[Floats, Floats]:
    """The probability at most that entry `at` repeats a value, and those of the alternatives, one a row."""
    p = np.minimum(at * POINT, 0.5)
    return p, np.minimum(np.multiply.outer(REPEAT_FACTORS, p), 0.9)


@functools.cache
def legendre_cumulants() -> Floats:
    """psi(lambda) of each degree (rows) over the ladder (columns), by Gauss quadrature exact to rounding."""
    t, w = np.polynomial.legendre.leggauss(400)
    scores = legendre(t)
    log_weights = np.log(w / 2)
    return np.stack(
        [np.logaddexp.reduce(log_weights[:, None] + scores[k][:, None] * LADDER, axis=0) for k in range(DEGREES)]
    )


@functools.cache
def square_cumulants() -> Floats:
    """psi(lambda) of (z^2 - 1)/sqrt 2 for z ~ N(0, 1); every rung keeps sqrt(2) lambda below 1."""
    return -np.log1p(-math.sqrt(2) * LADDER) / 2 - LADDER / math.sqrt(2)


def tilted(total: float, n: int, cumulants: Floats, rungs: Any = slice(None)) -> float:
    """The log of a process: the average over (some rungs of) the ladder, of `n` scores that add up to `total`."""
    logs = (LADDER * total - n * cumulants)[rungs]
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))


def correlation(products: float, squares: float) -> float:
    """exp(lambda sum z_i z_before - lambda^2/2 sum z_before^2): a martingale, since z_i is normal given the past."""
    return tilted(products, 1, LADDER**2 / 2 * squares)


def rate(count: int, n: int, p: float, rates: Any) -> float:
    """Log e-value against an event of probability p, averaged over the likelihood ratios of other `rates`."""
    logs = []
    for q in rates:
        if q >= 1:
            continue
        hits = count * math.log(q / p) if q > 0 else (0.0 if count == 0 else -math.inf)
        logs.append(hits + (n - count) * (math.log1p(-q) - math.log1p(-p)))
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))
