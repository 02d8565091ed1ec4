"""What `verify/deviations` says was measured is what a run measures today."""

import math

import pytest

from varlaw.subjects.registry import select
from varlaw.verify import campaign, deviations
from varlaw.verify.verdict import Verdict

pytest.importorskip("torch")
SALT = "deviations"


def _met(row: deviations.Row) -> list[Verdict]:
    dtype = (row.dtypes or ("float32",))[0]
    tasks = campaign.tasks(select(["torch.*"]), [dtype], "cpu", SALT)
    there = [
        t for t in tasks if row.foresees(t.claim, t.target, row.versions.removeprefix(">=").partition(",")[0], t.dtype)
    ]
    assert there, row.id
    return [v for v in (campaign.decide(t, "pr", SALT) for t in there) if v.deviation and v.deviation.id == row.id]


@pytest.mark.parametrize(
    "row", [r for r in deviations.rows() if r.ratio and r.framework == "torch"], ids=lambda r: r.id
)
def test_the_measured_value_is_seen_again(row: deviations.Row) -> None:
    """In one case at least the second measurement confirmed, within the policy, the number written in the table."""
    seen = [math.inf if v.deviation.ratio is None else v.deviation.ratio for v in _met(row) if v.deviation]
    assert any(math.isclose(ratio, row.measured, rel_tol=0.01) for ratio in seen), seen
