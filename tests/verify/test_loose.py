"""A bound that is wider than the effect is no pass: what lies within it, but far off, is UNDECIDED and says so."""

import pytest

from varlaw.claims.claim import deterministic
from varlaw.claims.verdict import Outcome
from varlaw.evidence.exact import compare
from varlaw.evidence.streams import SALT
from varlaw.reports.groups import headline
from varlaw.reports.words import undecided
from varlaw.verify import decision, plan, run


def test_the_largest_difference_is_kept_whatever_its_bound() -> None:
    comparison = compare([0.4, 1.5], [0.0, 1.5], [1.0, 1e-9])
    assert comparison.largest == 0.4
    assert deterministic(comparison, quantity="").loose == 0.4
    assert deterministic(compare([0.04], [0.0], [1.0]), quantity="").loose == 0.0


def test_a_constant_row_of_0_9987_does_not_conform() -> None:
    request = plan.Request(
        targets=("torch.nn.BatchNorm2d(channels_last)*",), dtypes=("float32",), claims=("norm.constant",)
    )
    found = run.execute(plan.plan(request), strict=False)
    open_ = [v for v in found if v.outcome is Outcome.UNDECIDED]
    assert len(open_) == 1
    assert open_[0].detail.startswith("off by up to 1")
    assert "wider than what is to be seen" in undecided(open_[0])
    assert "too few draws" not in headline(found)
    again, _, _ = plan.parse_replay(open_[0].replay)
    assert decision.decide(again, "pr", SALT) == open_[0]


@pytest.mark.parametrize("policy", ["pr", "nightly"])
def test_what_keeps_close_to_its_law_conforms_within_a_wide_bound(policy: str) -> None:
    request = plan.Request(
        targets=("varlaw.torch.layer_norm*",), dtypes=("float32",), claims=("norm.*",), policy=policy
    )
    assert {v.state for v in run.execute(plan.plan(request), strict=False)} <= {"conforms", "not applicable"}
