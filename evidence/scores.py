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
_LEVEL = 5.0  # sigmas


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


def quartic(z: Floats) -> Floats:
    """He_4(z) / sqrt 24, level beyond 5 sigmas: what the logarithm of a density has where its kurtosis is off.

    >>> quartic(np.array([0.0, 5.0, 9.0])).round(6).tolist()
    [0.612372, 97.571341, 97.571341]
    """
    squares: Floats = z * z
    np.minimum(squares, _LEVEL**2, out=squares)
    found = squares - 6
    found *= squares
    found += 3
    found /= math.sqrt(24)
    return found


@functools.cache
def quartic_cumulants() -> Floats:
    """psi(lambda) of it over the ladder, by Gauss quadrature between the levels."""
    t, w = np.polynomial.legendre.leggauss(400)
    z = _LEVEL * t
    log_weights = np.log(w * _LEVEL) - z * z / 2 - math.log(2 * math.pi) / 2
    beyond = math.log(math.erfc(_LEVEL / math.sqrt(2)))
    nodes, logs = np.append(quartic(z), quartic(np.array([_LEVEL]))), np.append(log_weights, beyond)
    return np.asarray(np.logaddexp.reduce(logs[:, None] + nodes[:, None] * LADDER, axis=0))


def averaged(logs: Floats) -> Floats:
    """The log of the average of e-values over the last axis, given their logs."""
    largest = logs.max(axis=-1, keepdims=True)
    total: Floats = np.log(np.exp(logs - largest).sum(axis=-1)) + largest[..., 0] - math.log(logs.shape[-1])
    return total


def tilted(totals: Any, cumulants: Any, ladder: Floats = LADDER) -> Floats:
    """The log e-values of processes, each an average over the ladder, whose scores add up to `totals`.

    `cumulants` holds n psi(lambda) of each process (rows) at each rung.
    """
    return averaged(np.multiply.outer(np.asarray(totals, dtype=float), ladder) - cumulants)


def normally_tilted(totals: Any, variances: Any) -> Floats:
    """The same of scores that are normal, or sub-Gaussian, with `variances` in sum."""
    return tilted(totals, np.multiply.outer(np.asarray(variances, dtype=float), LADDER**2 / 2))


def rates(counts: Any, n: Any, p: Any, alternatives: Floats) -> Floats:
    """Log e-values against events of probability `p`, each averaged over a row of `alternatives` in (0, 1)."""
    count, chance = (np.asarray(x, dtype=float)[..., None] for x in (counts, p))
    hits, misses = np.log(alternatives / chance), np.log1p(-alternatives) - np.log1p(-chance)
    return averaged(count * hits + (n - count) * misses)
