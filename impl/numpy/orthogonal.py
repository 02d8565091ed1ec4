"""Haar orthogonal matrices: the Q of a Gaussian matrix, with the signs that make it uniform.

Householder QR alone fixes the sign of each column by a rule of its own, so its Q is not uniform; multiplying each
column by the sign of R's diagonal makes the factorisation unique and Q Haar distributed (Mezzadri 2007,
arXiv:math-ph/0609050).
"""

from typing import Any

import numpy as np

from varlaw.impl.numpy.streams import Array, Seed, fill, standard_normal, working


def haar(rows: int, cols: int, kind: np.dtype[Any], *, seed: Seed, where: str) -> Array:
    """A rows x cols matrix with orthonormal columns (rows, if it is wide), uniform among all such."""
    tall, narrow = max(rows, cols), min(rows, cols)
    gaussian = fill(np.empty((tall, narrow), working(kind)), standard_normal, seed=seed, where=where)
    q, r = np.linalg.qr(gaussian)
    q *= np.where(np.diagonal(r) < 0, -1, 1).astype(q.dtype)
    return np.asarray(q if rows >= cols else q.T)
