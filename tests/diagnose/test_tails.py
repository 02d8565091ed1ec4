"""Chernoff's bound on log gains: true of every tail, close enough to the truth to be of use."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from varlaw.diagnose.tails import away, lowered
from varlaw.theory.numerics.chi import trigamma


def _expectation(m: float) -> float:
    from scipy.special import digamma

    return float(digamma(m / 2)) - math.log(m / 2)


@pytest.mark.parametrize("m", [5.0, 64.0, 4096.0])
@pytest.mark.parametrize("alpha", [1e-3, 1e-13])
def test_one_map_against_the_exact_quantiles(m: float, alpha: float) -> None:
    """Beyond the exact chi-square quantile on both sides; above, by a factor of 1.6 at most."""
    low, high = away([m], alpha, 1)
    above = math.log(chi2.isf(alpha, m) / m) - _expectation(m)
    below = _expectation(m) - math.log(chi2.ppf(alpha, m) / m)
    assert below <= low
    assert above <= high <= 1.6 * above


def test_a_normal_law_would_not_hold() -> None:
    """Teeth: at width 5 the exact lower quantile lies beyond that of a normal law of the same variance."""
    m, alpha = 5.0, 1e-9
    below = _expectation(m) - math.log(chi2.ppf(alpha, m) / m)
    assert below > 6.0 * math.sqrt(float(trigamma(m / 2)))
    assert away([m], alpha, 1)[0] >= below


def test_a_net_of_ten_maps_stays_inside() -> None:
    """Of 20,000 keyed draws of ten maps no more leave the interval at alpha 1e-2 a side than 1 % and 6.2 of its sd."""
    dofs, draws, alpha = [16.0] * 10, 20_000, 1e-2
    rng = np.random.default_rng(11)
    gains = np.log(rng.chisquare(16, size=(draws, 10)) / 16).sum(axis=1) - 10 * _expectation(16.0)
    low, high = away(dofs, alpha, 1)
    most = draws * alpha + 6.2 * math.sqrt(draws * alpha)
    assert (gains > high).sum() <= most
    assert (gains < -low).sum() <= most
    assert (gains > 0.4 * high).sum() > most  # and it is no empty promise


def test_the_masks_of_a_rectifier_are_counted() -> None:
    """Of 4,000 drawn ReLU nets of ten maps of width 32 more leave the interval of the maps alone, none with masks."""
    width, depth, draws, alpha = 32, 10, 4_000, 1e-3
    rng = np.random.default_rng(7)
    x, gains = rng.standard_normal((draws, width)), np.zeros(draws)
    for _ in range(depth):
        z = np.einsum("dij,dj->di", rng.standard_normal((draws, width, width)), x)
        x = np.maximum(z, 0) * math.sqrt(2 / width)
        gains += np.log((norm := np.linalg.norm(x, axis=1)) ** 2 / width)
        x *= math.sqrt(width) / norm[:, None]
    gains -= gains.mean()
    maps, masks = [float(width)] * depth, [2 * width / 3] * depth
    outside = [
        np.mean((gains > high) | (gains < -low)) for low, high in (away(maps, alpha, 1), away(maps + masks, alpha, 1))
    ]
    assert outside[0] > 2 * alpha + 6.2 * math.sqrt(2 * alpha / draws)
    assert outside[1] <= 2 * alpha


def test_means_of_draws_come_closer() -> None:
    one, many = away([64.0] * 4, 1e-12, 1), away([64.0] * 4, 1e-12, 16)
    assert many[0] < one[0] / 3
    assert many[1] < one[1] / 3


def test_draws_that_spread_more_lower_the_freedom() -> None:
    assert lowered([100.0, 100.0], 0.4) == [10.0, 10.0]
    assert lowered([100.0, 100.0], 0.01) == [100.0, 100.0]


def test_no_map_no_luck() -> None:
    assert away([], 1e-12, 4) == (0.0, 0.0)
