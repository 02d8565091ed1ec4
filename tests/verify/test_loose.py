"""A bound that is wider than the effect is no pass: what lies within it, but far off, is UNDECIDED and says so."""

import numpy as np
import pytest

from varlaw.claims.claim import deterministic
from varlaw.claims.verdict import Outcome
from varlaw.evidence.exact import compare, reached
from varlaw.evidence.streams import SALT
from varlaw.reports.wording import undecided
from varlaw.subjects.registry import select
from varlaw.verify import decision, plan, run


def test_the_largest_difference_is_kept_whatever_its_bound() -> None:
    comparison = compare([0.4, 1.5], [0.0, 1.5], [1.0, 1e-9])
    assert comparison.largest == 0.4
    assert deterministic(comparison, quantity="").loose == 0.4
    assert deterministic(compare([0.04], [0.0], [1.0]), quantity="").loose == 0.0


def test_a_bound_that_says_nothing_gives_way_to_what_a_careful_algorithm_reaches() -> None:
    bounds = reached(np.array([0.01, 9.0, 9.0]), np.array([1e-6, 1e-6, 0.3]), np.array([1.0, 2.0, 1.0]))
    assert bounds.tolist() == [0.01, 0.1, 0.3]


def test_a_constant_row_of_0_9987_violates_and_is_documented() -> None:
    request = plan.Request(
        targets=("torch.nn.BatchNorm2d(channels_last)*",), dtypes=("float32",), claims=("norm.constant",)
    )
    found = run.execute(plan.plan(request), strict=False)
    assert {v.state for v in found} == {"deviation", "conforms"}
    assert max(v.observed or 0.0 for v in found) > 0.9


def test_what_is_far_off_within_its_bound_is_undecided_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = deterministic(compare([0.6], [0.0], [1.0]), quantity="largest |entry|")
    monkeypatch.setattr(decision, "judged", lambda claim, trial: wide)
    (task, *_) = plan.tasks(select(["varlaw.numpy.layer_norm"]), ["float32"], "cpu", SALT)
    verdict = decision.decide(task, "pr", SALT)
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.detail == "off by up to 0.6, which rounding may do here"
    assert "wider than what is to be seen" in undecided(verdict)
    again, _, _ = plan.parse_replay(verdict.replay)
    assert again == task


@pytest.mark.parametrize("policy", ["pr", "nightly"])
def test_what_keeps_close_to_its_law_conforms_within_a_wide_bound(policy: str) -> None:
    request = plan.Request(
        targets=("varlaw.torch.layer_norm*",), dtypes=("float32",), claims=("norm.*",), policy=policy
    )
    assert {v.state for v in run.execute(plan.plan(request), strict=False)} <= {"conforms", "not applicable"}
