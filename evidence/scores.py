"""Scores of a battery with their exact cumulants: what is summed, and what the sums are worth as evidence.

Every score has mean 0 and variance 1 under the law, or is sub-Gaussian with that variance. A process is the average of
exp(lambda sum s - n psi(lambda)) over a ladder of lambda, psi being the score's cumulant or a bound of it.
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LADDER = np.array([sign * 0.4 * 2.0**-j for j in range(9) for sign in (1, -1)])
DEGREES = 8
_BLOCK = 4096


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


@functools.cache
def legendre_cumulants() -> Floats:
    """psi(lambda) of each degree (rows) over the ladder (columns), by Gauss quadrature exact to rounding."""
    t, w = np.polynomial.legendre.leggauss(400)
    scores = legendre(t)
    log_weights = np.log(w / 2)
    return np.stack(
        [np.logaddexp.reduce(log_weights[:, None] + scores[k][:, None] * LADDER, axis=0) for k in range(DEGREES)]
    )


def tilted(total: float, n: int, cumulants: Floats, ladder: Floats = LADDER) -> float:
    """The log of a process: the average over the ladder, of `n` scores that add up to `total`."""
    logs = ladder * total - n * cumulants
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))


def rate(count: int, n: int, p: float, rates: Any) -> float:
    """Log e-value against an event of probability p, averaged over the likelihood ratios of other `rates`."""
    logs = []
    for q in rates:
        if q >= 1:
            continue
        hits = count * math.log(q / p) if q > 0 else (0.0 if count == 0 else -math.inf)
        logs.append(hits + (n - count) * (math.log1p(-q) - math.log1p(-p)))
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))
