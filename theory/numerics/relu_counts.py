"""Log norms behind a ReLU layer, averaged over the random number of units that are on.

Of n units k ~ Binomial(n, 1/2) are on; given k >= 1 the squared norm is (2/n) chi^2(k) times the incoming one. Sums run
over k within 40 standard deviations of n/2, with weights built by ratios from the middle outwards and normalised.

Vocabulary: *alive*: at least one unit is on.
"""

import functools

import numpy as np

from varlaw.theory.numerics.chi import digamma_gap, trigamma
from varlaw.theory.numerics.quadrature import Floats

_REACH = 20.0  # sqrt(n): forty standard deviations


def _counts(width: int) -> tuple[Floats, Floats]:
    """Numbers of units on, 1 <= k <= width, and their probabilities given k >= 1."""
    middle = (width + 1) // 2
    reach = int(_REACH * np.sqrt(width)) + 1
    k = np.arange(max(1, middle - reach), min(width, middle + reach) + 1, dtype=np.float64)
    step = np.log((width - k[1:] + 1) / k[1:])  # ln of the ratio of neighbouring binomial weights
    log_weight = np.concatenate([[0.0], np.cumsum(step)])
    weight = np.exp(log_weight - log_weight.max())
    return k, weight / weight.sum()


def _log_ratio(k: Floats, width: float) -> Floats:
    """psi(k/2) + ln(4/n): the mean of ln(|h'|^2 / |h|^2) given k, as a small number where k is near n/2."""
    ratio: Floats = digamma_gap(k / 2) + np.log1p((2 * k - width) / width)
    return ratio


@functools.partial(np.vectorize, otypes=[np.float64])
def alive_log_mean(width: float) -> float:
    """E ln(|h'|^2/|h|^2) across a He-initialised ReLU layer of `width >= 1` units, given alive.

    >>> round(float(alive_log_mean(1000.0)) * 1000, 2)
    -2.51
    """
    k, weight = _counts(int(width))
    return float(np.sum(weight * _log_ratio(k, width)))


@functools.partial(np.vectorize, otypes=[np.float64])
def alive_log_variance(width: float) -> float:
    """Var ln(|h'|^2/|h|^2) across a He-initialised ReLU layer of `width >= 1` units, given alive.

    >>> round(float(alive_log_variance(1000.0)) * 1000, 2)
    5.02
    """
    k, weight = _counts(int(width))
    ratio = _log_ratio(k, width)
    centred = ratio - np.sum(weight * ratio)
    return float(np.sum(weight * (trigamma(k / 2) + centred * centred)))
