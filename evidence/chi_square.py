"""Chi-square numbers as the standard normal numbers of the same rank."""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.processes import FAR

Floats = NDArray[np.float64]

_SMOOTH = 24  # degrees of freedom from which the fit is within 1e-8 of the rank
_MANY = 256  # numbers from which the fit pays
_TERMS = 25


def chi_square_scores(energies: Floats, degrees: int) -> Floats:
    """The score of each number, exact in both tails; of many by a fit whose error is 1e-8 at most.

    >>> few = chi_square_scores(np.linspace(30.0, 150.0, 100), 64)
    >>> many = chi_square_scores(np.repeat(np.linspace(30.0, 150.0, 100), 3), 64)
    >>> bool(np.abs(many[::3] - few).max() < 1e-11)
    True
    """
    if degrees < _SMOOTH or energies.size < _MANY:
        return _of_rank(energies, degrees)
    low, high, terms = _fit(degrees)
    roots = np.cbrt(energies)
    roots -= (low + high) / 2
    roots *= 2 / (high - low)
    np.clip(roots, -1.0, 1.0, out=roots)
    scores: Floats = np.asarray(np.polynomial.chebyshev.chebval(roots, terms), dtype=np.float64)
    return scores.clip(-FAR, FAR)


def _of_rank(energies: Floats, degrees: int) -> Floats:
    from scipy.special import chdtr, chdtrc, ndtri

    below = chdtr(degrees, energies)
    upper = below > 0.5
    scores: Floats = ndtri(below)
    scores[upper] = -ndtri(chdtrc(degrees, energies[upper]))
    return scores.clip(-FAR, FAR)


@functools.lru_cache(maxsize=256)
def _fit(degrees: int) -> tuple[float, float, Floats]:
    """The score as a Chebyshev series of the cube root, of which it is almost linear (Wilson and Hilferty 1931)."""
    from scipy.special import gammainccinv, gammaincinv

    beyond = math.erfc(FAR / math.sqrt(2)) / 2
    low, high = (math.cbrt(2 * inverse(degrees / 2, beyond)) for inverse in (gammaincinv, gammainccinv))
    angles = math.pi * (np.arange(_TERMS) + 0.5) / _TERMS
    at = _of_rank(((low + high) / 2 + (high - low) / 2 * np.cos(angles)) ** 3, degrees)
    terms = 2 / _TERMS * (np.cos(np.multiply.outer(np.arange(_TERMS), angles)) @ at)
    terms[0] /= 2
    return low, high, terms
