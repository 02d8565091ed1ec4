"""What `verify/deviations` says was measured is what a run measures today."""

import math
import tomllib
from pathlib import Path

import pytest

from varlaw.claims.verdict import Verdict
from varlaw.subjects.registry import select
from varlaw.verify import decision, deviations, plan
from varlaw.verify.deviations import measured

pytest.importorskip("torch")
SALT = "deviations"


def _met(row: deviations.Row) -> list[Verdict]:
    dtype = (row.dtypes or ("float32",))[0]
    tasks = plan.tasks(select(["torch.*"]), [dtype], "cpu", SALT)
    there = [
        t for t in tasks if row.foresees(t.claim, t.target, row.versions.removeprefix(">=").partition(",")[0], t.dtype)
    ]
    assert there, row.id
    return [v for v in (decision.decide(t, "pr", SALT) for t in there) if v.deviation and v.deviation.id == row.id]


@pytest.mark.parametrize(
    "row", [r for r in deviations.rows() if r.ratio and r.framework == "torch"], ids=lambda r: r.id
)
def test_the_measured_value_is_seen_again(row: deviations.Row) -> None:
    """In one case at least the second measurement confirmed, within the policy, the number written in the table."""
    assert row.measured is not None
    seen = [math.inf if v.deviation.ratio is None else v.deviation.ratio for v in _met(row) if v.deviation]
    assert any(math.isclose(ratio, row.measured, rel_tol=0.01) for ratio in seen), seen


# -- what is promised --------------------------------------------------------------------------------------------------


def test_only_a_broken_promise_is_called_a_defect() -> None:
    assert [r.id for r in deviations.rows() if "defect" in r.reason.lower() and r.standing != "broken"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"standing": "broken"},
        {"standing": "choice"},
        {"promise": "it is so"},
        {"standing": "choice", "promised_at": "there"},
    ],
)
def test_a_promise_or_a_choice_without_its_words_or_place_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="broken promises and choices have promise and promised_at"):
        deviations.Row(id="x", claim="c", subject="s", reason="r", versions=">=1", **fields)


# -- the sizes that were recorded --------------------------------------------------------------------------------------


def _unsized(row: deviations.Row) -> bool:
    return not row.ratio and row.statistics != "dtype"


def test_every_size_recorded_is_of_a_row_without_a_ratio() -> None:
    rows = {r.id: r for r in deviations.rows()}
    for framework in {r.framework for r in rows.values()}:
        table = measured.sizes(framework)
        for name, places in table.rows.items() if table else ():
            assert name in rows, f"{framework}.sizes.toml: no row {name}"
            assert rows[name].framework == framework
            assert _unsized(rows[name]), name
            for place in places:
                claim, rest = place.split(" ", 1)
                target, dtype = rest.rsplit(" ", 1)
                assert dtype in plan.DTYPES, place
                bands = measured.bands(name, framework, claim, target, dtype)
                assert bands, place
                assert all(b.low <= b.high or math.isnan(b.low) for b in bands), place


def test_every_row_has_a_ratio_or_a_size_that_was_measured() -> None:
    """A row that no installation here could measure says what was seen when it was written."""
    for row in deviations.rows():
        table = measured.sizes(row.framework)
        sized = table is not None and row.id in table.rows
        assert (row.measured is None) == (_unsized(row) and sized), row.id


def test_what_is_not_measured_is_listed_by_name_and_dtype_with_a_reason() -> None:
    """There any violation is taken as documented, and says so; nothing joins this list unseen, or stays on it."""
    left = tomllib.loads((Path(__file__).parent / "unmeasured.toml").read_text(encoding="utf-8"))["left"]
    listed = {name: tuple(dtypes) for group in left for name, dtypes in group["rows"].items()}
    assert all(group["reason"] for group in left)
    found = {}
    for row in filter(_unsized, deviations.rows()):
        table = measured.sizes(row.framework)
        known = table.recording(row.id).dtypes if table and row.id in table.rows else ()
        if rest := tuple(dtype for dtype in row.dtypes or plan.DTYPES if dtype not in known):
            found[row.id] = rest
    assert found == listed


@pytest.mark.parametrize(("factor", "broken"), [(1.0, False), (0.5, True), (1.05, True)])
def test_what_is_broken_beyond_its_documentation_violates(
    monkeypatch: pytest.MonkeyPatch, factor: float, broken: bool
) -> None:
    import torch

    real = torch.nn.functional.group_norm
    monkeypatch.setattr(torch.nn.functional, "group_norm", lambda *args, **kw: factor * real(*args, **kw))
    tasks = plan.tasks(select(["torch.nn.GroupNorm(channels_last)*"]), ["float32"], "cpu", SALT)
    claims = ("norm.second_moment", "norm.constant", "norm.mean")
    found = [decision.decide(t, "pr", SALT) for t in tasks if t.claim in claims]
    assert "deviation" in {v.state for v in found}
    assert ("VIOLATES" in {v.state for v in found}) is broken
