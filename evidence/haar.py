"""Haar matrices made Gaussian: a test for orthogonal matrices that is as simple as one for normal entries.

A Gaussian n x m matrix, n >= m, is Q R with Q Haar and, independently, R upper triangular with positive diagonal:
R_jj ~ chi(n - j) and standard normals above (Bartlett 1933). Hence Q is Haar if and only if Q R has independent
standard normal entries for an R drawn so. A QR without the sign correction has Q_jj <= 0 and shows at once as a
negative mean of the diagonal of Q R, whose entries this module returns.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def gaussian_diagonal(q: Any, rng: np.random.Generator) -> NDArray[np.float64]:
    """The diagonal of Q R, `min(shape)` independent standard normals when Q (n x m or m x n, gain 1) is Haar."""
    tall = np.asarray(q, dtype=np.float64)
    tall = tall if tall.shape[0] >= tall.shape[1] else tall.T
    rows, columns = tall.shape
    r = np.triu(rng.standard_normal((columns, columns)), 1)
    r[np.diag_indices(columns)] = np.sqrt(rng.chisquare(rows - np.arange(columns)))
    diagonal: NDArray[np.float64] = np.einsum("ij,ji->i", tall[:columns], r)
    return diagonal
