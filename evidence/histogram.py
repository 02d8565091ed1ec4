"""The histogram: family and tails, from how many numbers fell into each of 1,313 bins.

Legendre polynomials of u and the fourth Hermite polynomial of z are summed as their means in each bin. By Jensen's
inequality that makes E exp(lambda s) smaller, never larger, so the exact cumulants still bound the growth; what it
loses is the spread inside a bin of 1/80 std, which no smooth density shows.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence import scores
from varlaw.evidence.processes import BINS, PER_STD, Seen, nodes

Floats = NDArray[np.float64]

_ENDS = 3.75  # in std: of the cells that a record keeps
_TAILS = (2.5, 3.0, 3.3, 3.5, 4.0, 5.0)
_CUTS = np.array([[BINS // 2 - cut - 1, BINS // 2 + cut - 1] for cut in (round(t * PER_STD) for t in _TAILS)]).T
_TAIL_MASSES = np.array([math.erfc(t / math.sqrt(2)) for t in _TAILS])
_MULTIPLIERS = (2.0**-60, 0.25, 0.5, 0.8, 1.25, 2.0, 4.0, 16.0, 256.0, 4096.0)  # the largest find spikes far out
_TAIL_RATES = np.minimum(np.multiply.outer(_TAIL_MASSES, _MULTIPLIERS), 0.9)


@functools.cache
def _means() -> Floats:
    """The mean of each score (rows: Legendre 1..8, the quartic) in each bin."""
    from scipy.special import erf

    z, weights = nodes()
    legendre = scores.legendre(erf(z.ravel() / math.sqrt(2))).reshape(scores.DEGREES, *z.shape)
    return np.asarray((np.concatenate([legendre, scores.quartic(z)[None]]) * weights).sum(axis=2))


class Histogram:
    """How many numbers fell into each bin, and what that is worth as evidence."""

    def __init__(self) -> None:
        self._counts = np.zeros(BINS, dtype=np.int64)

    def observe(self, seen: Seen) -> None:
        """Take tensors into account."""
        self._counts += np.bincount(seen.bins, minlength=BINS)

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        n = int(self._counts.sum())
        *of_legendre, of_quartic = _means() @ self._counts
        legendre = scores.tilted(of_legendre, n * scores.legendre_cumulants())
        tails = scores.rates(self._beyond(), n, _TAIL_MASSES, _TAIL_RATES)
        logs = {f"Legendre {k}": log_e for k, log_e in enumerate(legendre.tolist(), 1)}
        logs |= {f"tail {t}": log_e for t, log_e in zip(_TAILS, tails.tolist(), strict=True)}
        logs["kurtosis"] = float(scores.tilted(of_quartic, n * scores.quartic_cumulants()))
        return logs

    def cells(self) -> tuple[int, ...]:
        """How many numbers fell between -3.75, -3.5, ..., 3.75 in z, and beyond both ends; () where none was seen."""
        edges = BINS // 2 + np.arange(-_ENDS * PER_STD, _ENDS * PER_STD + 1, PER_STD // 4).astype(np.intp)
        found = np.add.reduceat(self._counts, np.concatenate([[0], edges]))
        return tuple(found.tolist()) if found.any() else ()

    def told(self, name: str) -> str:
        """The name says it all."""
        return name

    def _beyond(self) -> list[int]:
        below = np.cumsum(self._counts)
        found: list[int] = (below[_CUTS[0]] + below[-1] - below[_CUTS[1]]).tolist()
        return found
