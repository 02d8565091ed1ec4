"""The scale test holds its error rates, its cost and its cap: by exact calculation and by keyed simulation."""

import math

import numpy as np
import pytest
from scipy.special import gammainc, gammaincc

from varlaw.evidence import scale
from varlaw.evidence.streams import Key

DELTA, ALPHA, BETA = 0.05, 1e-9, 1e-6
RUNS = 2000


def _rng(name: str) -> np.random.Generator:
    return Key("tests", f"scale.{name}").generator()


def _paths(r: float, rng: np.random.Generator, looks: list[int], runs: int) -> np.ndarray:
    """S2 of `runs` samples of std r at each of `looks`, drawn exactly as sums of chi-square increments."""
    steps = np.diff([0, *looks])
    return r * r * np.cumsum(rng.chisquare(steps, size=(runs, len(steps))), axis=1)


def _looks(cap: int, first: int = 1024, growth: float = 0.05) -> list[int]:
    looks = [first]
    while looks[-1] < cap:
        looks.append(math.ceil(looks[-1] * (1 + growth)))
    return looks


@pytest.mark.parametrize("r", [1.0, math.exp(1e-3)])
def test_each_likelihood_ratio_is_a_supermartingale_under_the_null(r: float) -> None:
    """E exp(l(r1) - l(1)) per sample, in closed form, is 1 at the edge of the null band and below 1 inside it."""
    eps0 = 1e-3
    for r1, edge in ((1.05, math.exp(eps0)), (1 / 1.05, math.exp(-eps0))):
        # E exp(-c z^2/2) = 1/sqrt(1 + c r^2) with c = 1/r1^2 - 1/edge^2
        expectation = (edge / r1) / math.sqrt(1 + (r1**-2 - edge**-2) * r * r)
        assert expectation <= 1 + 1e-15


def test_false_alarm_rate_by_importance_sampling() -> None:
    """P(VIOLATES | lawful), too small to simulate, is E[1/e-value at the stop] under the mixture alternative."""
    rng, threshold = _rng("alarm"), math.log(2 / ALPHA)
    steps, weights = scale._grid(DELTA)
    sides = [1 + d for d in steps] + [1 / (1 + d) for d in steps]
    looks = _looks(200_000)
    chosen = rng.choice(len(sides), size=RUNS, p=np.array(weights + weights))
    weight_at_stop = np.zeros(RUNS)
    for i, side in enumerate(chosen):
        for n, squares in zip(looks, _paths(sides[side], rng, looks, 1)[0], strict=True):
            log_e = scale.violation(n, squares, DELTA)
            if log_e >= threshold:
                weight_at_stop[i] = math.exp(-log_e)
                break
    rate, error = weight_at_stop.mean(), weight_at_stop.std() / math.sqrt(RUNS)
    assert rate + 6 * error <= ALPHA / 2
    assert rate >= 0.2 * ALPHA / 2, "the test wastes its alpha"


def test_false_conform_rate_by_importance_sampling() -> None:
    """P(CONFORMS | r = 1 + delta), simulated under r = 1 and weighted back."""
    rng, threshold = _rng("conform"), scale.passing(BETA)
    looks = _looks(scale.cap(DELTA, ALPHA, BETA))
    weights = np.zeros(RUNS)
    for i, path in enumerate(_paths(1.0, rng, looks, RUNS)):
        for n, squares in zip(looks, path, strict=True):
            if scale.conformity(n, squares, DELTA) >= threshold:
                at = scale.log_likelihood(1 + DELTA, n, squares) - scale.log_likelihood(1.0, n, squares)
                weights[i] = math.exp(at)
                break
    rate, error = weights.mean(), weights.std() / math.sqrt(RUNS)
    assert rate + 6 * error <= 0.75 * BETA


@pytest.mark.parametrize("alpha", [0.1, 0.01])
def test_supremum_of_the_e_value_stays_below_its_level(alpha: float) -> None:
    runs, looks = 20_000, _looks(20_000, first=64, growth=0.2)
    paths = _paths(1.0, _rng(f"sup{alpha}"), looks, runs)
    alarms = np.zeros(runs, dtype=bool)
    for k, n in enumerate(looks):
        crossed = [scale.violation(n, s, DELTA) >= math.log(1 / alpha) for s in paths[:, k][~alarms]]
        alarms[np.flatnonzero(~alarms)[crossed]] = True
    assert alarms.mean() <= alpha + 6 * math.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize(("delta", "alpha", "beta"), [(0.05, 1e-12, 1e-3), (0.01, 1e-12, 1e-6), (0.01, 1e-9, 1e-6)])
def test_cap_is_the_smallest_sample_with_the_promised_power(delta: float, alpha: float, beta: float) -> None:
    def missed(n: int) -> float:
        low, high = scale.terminal_limits(n, alpha)
        return max(gammainc(n / 2, high / 2 / (1 + delta) ** 2), gammaincc(n / 2, low / 2 * (1 + delta) ** 2))

    n = scale.cap(delta, alpha, beta)
    assert missed(n) <= beta / 4 < missed(n - 1)


def test_terminal_test_spends_half_of_alpha() -> None:
    low, high = scale.terminal_limits(23_514, 1e-12)
    spent = gammainc(23_514 / 2, low / 2) + gammaincc(23_514 / 2, high / 2)
    assert spent == pytest.approx(5e-13, rel=1e-6)


def test_mean_sample_size_is_that_of_the_design() -> None:
    """18.7 / delta^2 when correct, at beta = 1e-6 undivided; splitting beta adds 0.3 nats, a look costs 5 %."""
    looks = _looks(scale.cap(DELTA, 1e-12, BETA), first=256)
    threshold, used = scale.passing(BETA), []
    for path in _paths(1.0, _rng("cost"), looks, 400):
        used.append(next(n for n, s in zip(looks, path, strict=True) if scale.conformity(n, s, DELTA) >= threshold))
    cost = np.mean(used) * DELTA**2
    spread = np.std(used) * DELTA**2 / math.sqrt(len(used))
    assert cost <= 18.7 * 1.10 + 5 * spread


def test_interval_covers_the_truth_at_every_look() -> None:
    gamma, runs, looks = 0.05, 400, _looks(50_000, first=16, growth=0.5)
    missed = 0
    for path in _paths(1.0, _rng("interval"), looks, runs):
        ends = [scale.interval(n, s, gamma) for n, s in zip(looks, path, strict=True)]
        missed += any(not low < 1 < high for low, high in ends)
    assert missed / runs <= gamma + 6 * math.sqrt(gamma * (1 - gamma) / runs)


def test_certified_delta_is_where_conformity_begins() -> None:
    n, squares = 100_000, 100_100.0
    delta = scale.certified(n, squares, 1e-6)
    assert delta is not None
    above, below = (scale.conformity(n, squares, delta * factor) for factor in (1.001, 0.999))
    assert above >= scale.passing(1e-6) > below
    assert scale.certified(1, 1.0, 1e-6) is None
