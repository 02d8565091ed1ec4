"""The scale test holds its error rates, its cost and its cap: by exact calculation and by keyed simulation."""

import math

import numpy as np
import pytest
from scipy.special import gammainc, gammaincc

from varlaw.evidence import scale
from varlaw.evidence.streams import Key

from ..meta import importance

DELTA, ALPHA, BETA = 0.05, 1e-9, 1e-6
RUNS = 2000


def _rng(name: str) -> np.random.Generator:
    return Key("tests", f"scale.{name}").generator()


@pytest.mark.parametrize("r", [1.0, math.exp(1e-3)])
def test_each_likelihood_ratio_is_a_supermartingale_under_the_null(r: float) -> None:
    """E exp(l(r1) - l(1)) per sample, in closed form, is 1 at the edge of the null band and below 1 inside it."""
    eps0 = 1e-3
    for r1, edge in ((1.05, math.exp(eps0)), (1 / 1.05, math.exp(-eps0))):
        # E exp(-c z^2/2) = 1/sqrt(1 + c r^2) with c = 1/r1^2 - 1/edge^2
        expectation = (edge / r1) / math.sqrt(1 + (r1**-2 - edge**-2) * r * r)
        assert expectation <= 1 + 1e-15


def test_false_alarm_rate_by_importance_sampling() -> None:
    """The rate is below its half of alpha, and not by much: the test does not waste it."""
    rate, error = importance.false_alarms(_rng("alarm"), ALPHA, DELTA, RUNS)
    assert rate + 6 * error <= ALPHA / 2
    assert rate >= 0.2 * ALPHA / 2


def test_false_conform_rate_by_importance_sampling() -> None:
    rate, error = importance.false_conformity(_rng("conform"), ALPHA, BETA, DELTA, RUNS)
    assert rate + 6 * error <= 0.75 * BETA


@pytest.mark.parametrize("alpha", [0.1, 0.01])
def test_supremum_of_the_e_value_stays_below_its_level(alpha: float) -> None:
    runs, at = 20_000, importance.looks(20_000, first=64, growth=0.2)
    drawn = importance.paths(1.0, _rng(f"sup{alpha}"), at, runs)
    alarms = np.zeros(runs, dtype=bool)
    for k, n in enumerate(at):
        crossed = [scale.violation(n, s, DELTA) >= math.log(1 / alpha) for s in drawn[:, k][~alarms]]
        alarms[np.flatnonzero(~alarms)[crossed]] = True
    assert alarms.mean() <= alpha + 6 * math.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize(("delta", "alpha", "beta"), [(0.05, 1e-12, 1e-3), (0.01, 1e-12, 1e-6), (0.01, 1e-9, 1e-6)])
def test_cap_is_the_smallest_sample_with_the_promised_power(delta: float, alpha: float, beta: float) -> None:
    def missed(n: int) -> float:
        low, high = scale.terminal_limits(n, alpha)
        return max(gammainc(n / 2, high / 2 / (1 + delta) ** 2), gammaincc(n / 2, low / 2 * (1 + delta) ** 2))

    n = scale.cap(delta, alpha, beta)
    assert missed(n) <= beta / 4 < missed(n - 1)


def test_terminal_test_spends_its_share_of_alpha() -> None:
    low, high = scale.terminal_limits(23_514, 1e-12)
    spent = gammainc(23_514 / 2, low / 2) + gammaincc(23_514 / 2, high / 2)
    assert spent == pytest.approx(4.5e-13, rel=1e-6)


def test_mean_sample_size_is_that_of_the_design() -> None:
    """18.7 / delta^2 when correct, at beta = 1e-6 undivided; splitting beta adds 0.3 nats, a look costs 5 %."""
    at = importance.looks(scale.cap(DELTA, 1e-12, BETA), first=256)
    threshold, used = scale.passing(BETA), []
    for path in importance.paths(1.0, _rng("cost"), at, 400):
        used.append(next(n for n, s in zip(at, path, strict=True) if scale.conformity(n, s, DELTA) >= threshold))
    cost = np.mean(used) * DELTA**2
    spread = np.std(used) * DELTA**2 / math.sqrt(len(used))
    assert cost <= 18.7 * 1.10 + 5 * spread


def test_interval_covers_the_truth_at_every_look() -> None:
    gamma, runs, at = 0.05, 400, importance.looks(50_000, first=16, growth=0.5)
    missed = 0
    for path in importance.paths(1.0, _rng("interval"), at, runs):
        ends = [scale.interval(n, s, gamma) for n, s in zip(at, path, strict=True)]
        missed += any(not low < 1 < high for low, high in ends)
    assert missed / runs <= gamma + 6 * math.sqrt(gamma * (1 - gamma) / runs)


def test_certified_delta_is_where_conformity_begins() -> None:
    n, squares = 100_000, 100_100.0
    delta = scale.certified(n, squares, 1e-6)
    assert delta is not None
    above, below = (scale.conformity(n, squares, delta * factor) for factor in (1.001, 0.999))
    assert above >= scale.passing(1e-6) > below
    assert scale.certified(1, 1.0, 1e-6) is None
