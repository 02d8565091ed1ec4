"""The mean of a normal law: what is missed, what the exact test at the cap settles, and what it may cost."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import norm

from varlaw.evidence import mean, scale
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.sequential import ScaleTest
from varlaw.evidence.spending import CENTRE_BETA, SCALE_ALPHA
from varlaw.evidence.state import State
from varlaw.theory.variates import Normal

NIGHTLY = POLICIES["nightly"]


def _state(n: int, shift: float) -> State:
    """Sums of a sampler of the right scale whose mean is seen to be `shift`."""
    return State(n=n, total=n * shift, squares=n, peak=4.0, fourths=3.0 * n)


def test_both_tests_together_miss_no_more_than_is_promised() -> None:
    """The scale settles after `first` draws at the soonest: more says nothing against both sides at once."""
    for delta, beta in itertools.product((1e-3, 0.01, 0.05, 0.5), (0.2, 0.1, 1e-3, 1e-6, 1e-12)):
        wide = (1 + delta) ** 2
        first = scale.passing(beta) / (math.log1p(delta) * (wide - 1) / (wide + 1))
        evened = 4 * first * math.log1p(delta) / (wide - 1 / wide)  # squares that tell least between both
        assert scale.conformity(first, evened, delta) == pytest.approx(scale.passing(beta)), (delta, beta)  # type: ignore[arg-type]
        share = CENTRE_BETA["sequential"] * mean.risk(beta)
        assert mean.missed(delta, beta, math.floor(first)) <= share, (delta, beta)


def test_the_exact_test_has_its_power_at_the_cap_and_its_share_of_alpha() -> None:
    for policy in POLICIES.values():
        n = mean.cap(policy.delta, policy.alpha, policy.beta)
        limit = mean.terminal_limit(n, policy.alpha) / math.sqrt(n)
        missed = [norm.cdf(limit - math.sqrt(k) * policy.delta) for k in (n, n - 1)]
        assert missed[0] <= CENTRE_BETA["terminal"] * mean.risk(policy.beta) * (1 + 1e-9) <= missed[1] * (1 + 2e-9)
        assert 2 * norm.sf(limit) == pytest.approx(SCALE_ALPHA["mean"] * policy.alpha, rel=1e-6)


def test_a_bound_on_what_is_missed_holds_and_is_near() -> None:
    """Against 20,000 paths of a mean off by delta."""
    delta, beta, first = 0.05, 1e-3, 3025
    at = np.unique(np.geomspace(first, 40_000, 60).astype(int))
    steps = np.random.default_rng(0).standard_normal((20_000, at.size)) * np.sqrt(np.diff(at, prepend=0))
    totals = np.cumsum(steps, axis=1) + at * delta
    passed = (at * delta**2 / 2 - delta * np.abs(totals) >= math.log(1 / mean.risk(beta))).any(axis=1).mean()
    bound = mean.missed(delta, beta, first)
    assert bound / 2 < passed < bound + 6 * math.sqrt(bound / len(totals))


@pytest.mark.parametrize(("shift", "outcome"), [(0.5, "CONFORMS"), (0.9, "VIOLATES")])
def test_a_mean_in_doubt_is_settled_at_its_cap_once(shift: float, outcome: str) -> None:
    test, n = ScaleTest(Normal(1.0), NIGHTLY, FORMATS["float64"]), scale.cap(0.01, 1e-12, 1e-6)
    assert test.outcome(_state(n, shift * 0.01), 0.0) == "UNDECIDED"
    last = test.cap(n)
    assert last * NIGHTLY.delta**2 < 94
    assert test.outcome(_state(last, shift * 0.01), 0.0) == outcome
    if outcome == "CONFORMS":
        assert test.outcome(_state(last + 1, 0.9 * 0.01), 0.0) == "CONFORMS"  # that alpha is spent


def test_the_mean_of_a_small_delta_is_settled_too() -> None:
    rule = Policy("fine", delta=1e-4, beta=1e-6)
    assert mean.cap(rule.delta, rule.alpha, rule.beta) > scale.cap(rule.delta, rule.alpha, rule.beta)
