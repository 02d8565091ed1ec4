"""What rows share by a direction of their own in each tensor: a few common factors, lines too nearly at right angles.

The upper rows A of a tensor say what to look at in the lower ones b: |A b|^2. Given A and under the law, b is a vector
of independent standard normals, so |A b|^2 is a weighted sum of squares, of weights w that are the eigenvalues of
A A', and E exp(lambda (|A b|^2 - sum w)) is known exactly. A part of low rank makes the sum too large in every tensor,
though no two entries are correlated over tensors; orthogonal rows make it too small.
"""

import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.processes import Seen
from varlaw.evidence.scores import LADDER, averaged

Floats = NDArray[np.float64]

_UPPER = 48  # rows at most that others are held against: the cost is theirs
_LEAST = 1e-100  # scale of the sum, below which upper rows are as good as 0 and say nothing of a direction
_NAME = "directions of rows"


class Spans:
    """Sums of the standardised |A b|^2, and their cumulants at each rung."""

    def __init__(self) -> None:
        self._total, self._cumulants = 0.0, np.zeros_like(LADDER)
        self._begun = False

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account."""
        rows = seen.normal.reshape(*seen.normal.shape[:2], -1) if seen.normal.ndim > 2 else seen.normal[:, None]
        if min(rows.shape[1:]) < 2:
            return
        half = min(rows.shape[1] // 2, _UPPER)
        upper, lower = rows[:, :half], rows[:, half:]
        weights = np.linalg.eigvalsh(upper @ upper.transpose(0, 2, 1)).clip(min=0)  # of each tensor, a row
        scale = math.sqrt(2) * np.linalg.norm(weights, axis=1)
        telling = scale > _LEAST
        upper, lower, weights, scale = upper[telling], lower[telling], weights[telling], scale[telling]
        products = lower @ upper.transpose(0, 2, 1)
        sums = np.einsum("ijk,ijk->i", products, products) - lower.shape[1] * weights.sum(axis=1)
        self._total += float((sums / scale).sum())
        tilts = np.multiply.outer(LADDER, weights / scale[:, None])
        self._cumulants -= lower.shape[1] * (np.log1p(-2 * tilts) / 2 + tilts).sum(axis=(1, 2))
        self._begun = True

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of the one process."""
        return {_NAME: float(averaged(LADDER * self._total - self._cumulants))} if self._begun else {}

    def told(self, name: str) -> str:
        """The name says it all."""
        return name
