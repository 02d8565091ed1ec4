"""The binomial test of evidence: its risks, its cap, its interval, against exact binomial sums and simulation."""

import math

import numpy as np
import pytest

from varlaw.evidence import rate
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.rate import Tally

LOOSE = Policy("loose", delta=0.2, alpha=0.05, beta=0.05)


def _decided(p: float, q: float, policy: Policy, rng: np.random.Generator) -> tuple[str, int]:
    tally = Tally()
    while (outcome := rate.outcome(tally, p, policy)) == "UNDECIDED":
        n = max(200, tally.n // 10)
        tally += Tally(n, int(rng.binomial(n, q)))
    return outcome, tally.n


@pytest.mark.parametrize("p", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("policy", [LOOSE, POLICIES["pr"]], ids=lambda p: p.name)
def test_the_exact_test_has_its_power_at_the_cap(p: float, policy: Policy) -> None:
    from scipy.special import bdtr, bdtrc

    n = rate.cap(p, policy.delta, policy.alpha, policy.beta)
    lawful = [k for k in _near(p, n) if not rate.refuted(Tally(n, k), p, policy.alpha)]
    for q in (p * (1 + policy.delta), p / (1 + policy.delta)):
        missed = bdtr(max(lawful), n, q) - bdtr(min(lawful) - 1, n, q)
        assert missed <= policy.beta / 2
    alarm = bdtr(min(lawful) - 1, n, p) + bdtrc(max(lawful), n, p)
    assert alarm <= policy.alpha / 2


def _near(p: float, n: int) -> range:
    reach = math.ceil(9 * math.sqrt(n * p * (1 - p)))
    return range(max(0, int(n * p) - reach), min(n, int(n * p) + reach))


def test_risks_are_kept_under_optional_stopping() -> None:
    rng, runs = np.random.default_rng(1), 600
    lawful = [_decided(0.1, 0.1, LOOSE, rng)[0] for _ in range(runs)]
    too_many = [_decided(0.1, 0.12, LOOSE, rng)[0] for _ in range(runs)]
    assert lawful.count("VIOLATES") <= runs * LOOSE.alpha
    assert too_many.count("CONFORMS") <= runs * LOOSE.beta


def test_passing_costs_a_third_of_a_fixed_sample() -> None:
    rng, policy = np.random.default_rng(2), POLICIES["pr"]
    n = [_decided(0.1, 0.1, policy, rng)[1] for _ in range(50)]
    assert np.mean(n) < 0.4 * rate.cap(0.1, policy.delta, policy.alpha, policy.beta)


def test_a_band_is_lawful() -> None:
    tally = Tally(10_000_000, 1_008_000)
    assert rate.violation(tally, 0.1, 0.01) > 0 > rate.violation(tally, 0.1, 0.01, band=0.0008)
    assert rate.refuted(tally, 0.1, 1e-12)
    assert not rate.refuted(tally, 0.1, 1e-12, band=0.0008)


def test_the_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(200):
        low, high = rate.interval(Tally(2000, int(rng.binomial(2000, 0.05))), 0.05)
        missed += not low <= 0.05 <= high
    assert missed <= 10
    assert rate.interval(Tally(), 0.05) == (0.0, 1.0)
    low, high = rate.interval(Tally(100, 0), 0.05)
    assert low == 0 < high < 0.1


def test_what_cannot_be_is_refuted_at_once() -> None:
    assert rate.log_likelihood(0.0, Tally(3, 0)) == 0.0
    assert rate.log_likelihood(0.0, Tally(3, 1)) == -math.inf
    assert rate.log_likelihood(1.0, Tally(3, 3)) == 0.0
