"""The findings of a run for programs: one line each, GitHub's annotations, SARIF; and what is new since another run."""

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from varlaw.claims.verdict import Outcome, Run, Verdict
from varlaw.reports import terminal
from varlaw.reports.diff import compare
from varlaw.reports.forms import FORMS, findings

BROKEN = {"outcome": Outcome.VIOLATES, "interval": None, "certified": None, "ratio": 0.5}


@pytest.fixture
def many(make_verdict: Callable[..., Verdict], make_run: Callable[..., Run]) -> Run:
    return make_run([make_verdict(subject=f"torch.a{k}", **BROKEN) for k in range(30)])


@pytest.mark.parametrize("form", list(FORMS))
def test_each_form_names_every_finding_or_counts_those_it_leaves_out(run: Run, form: str) -> None:
    text = "\n".join(FORMS[form](run, findings(run)))
    for group in findings(run):
        assert group.subject in text
        assert group.claim in text


def test_github_gets_ten_annotations_at_most(many: Run) -> None:
    lines = list(FORMS["github"](many, findings(many)))
    assert len(lines) == 10
    assert all(line.startswith("::error title=varlaw%3A torch.a") for line in lines[:-1])
    assert "21 more findings" in lines[-1]


def test_annotations_of_hostile_text_are_one_command_each(hostile_run: Run) -> None:
    for line in FORMS["github"](hostile_run, findings(hostile_run)):
        assert line.startswith("::")
        assert "\n" not in line
        assert "\r" not in line


def test_sarif_has_a_rule_for_each_result(run: Run) -> None:
    log = json.loads("\n".join(FORMS["sarif"](run, findings(run))))
    (only,) = log["runs"]
    rules = {rule["id"] for rule in only["tool"]["driver"]["rules"]}
    assert log["version"] == "2.1.0"
    assert {result["ruleId"] for result in only["results"]} == rules
    assert {result["level"] for result in only["results"]} <= {"error", "warning"}
    assert all(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in only["results"])
    assert len({result["partialFingerprints"]["row/v1"] for result in only["results"]}) == len(only["results"])


def test_a_line_a_finding_and_the_counts(many: Run) -> None:
    *lines, counts = FORMS["concise"](many, findings(many))
    assert len(lines) == 30
    assert all("VIOLATES: 0.5000 exact" in line for line in lines)
    assert counts == "30 verdicts: 30 violate"


def _news(old: Run, new: Run, width: int = 80) -> str:
    stream = io.StringIO()
    terminal.render(new, Console(file=stream, width=width, no_color=True), since=("old.json", compare(old, new)))
    return stream.getvalue()


def test_what_is_new_is_shown_first_and_alone_in_the_other_forms(
    make_verdict: Callable[..., Verdict], make_run: Callable[..., Run]
) -> None:
    known, fresh = make_verdict(subject="torch.known", **BROKEN), make_verdict(subject="torch.fresh", **BROKEN)
    right = make_verdict(subject="torch.fresh")
    old, new = make_run([known, right, make_verdict(subject="torch.left")]), make_run([known, fresh])
    text = _news(old, new)
    assert "since old.json: 1 row changed, 1 were not decided this time" in text
    assert text.index("broke: torch.fresh") < text.index("torch.known")
    assert [g.subject for g in findings(new, compare(old, new))] == ["torch.fresh"]
    assert "since old.json: nothing changed" in _news(new, new)


def test_documented_causes_are_a_line_each_and_named(
    make_verdict: Callable[..., Verdict], make_run: Callable[..., Run]
) -> None:
    from tests.reports.test_rows import _known

    run = make_run(
        [make_verdict(subject=f"torch.s{k}.{j}", deviation=_known(k), **BROKEN) for k in range(6) for j in range(k + 1)]
    )
    stream = io.StringIO()
    terminal.render(run, Console(file=stream, width=80, no_color=True))
    lines = stream.getvalue().splitlines()
    assert any("6 documented causes" in line for line in lines)
    assert any(line.strip().startswith("known-5: 6 subjects, 0.5000 exact") for line in lines)
    assert not any("because of" in line for line in lines)


def test_a_documented_cause_without_a_number_shows_its_detail(
    make_verdict: Callable[..., Verdict], make_run: Callable[..., Run]
) -> None:
    from tests.reports.test_rows import _known

    nothing = {"ratio": None, "observed": None, "interval": None, "detail": "finite leaves became NaN"}
    run = make_run([make_verdict(subject=f"torch.s{k}", deviation=_known(k), **BROKEN | nothing) for k in range(6)])
    stream = io.StringIO()
    terminal.render(run, Console(file=stream, width=80, no_color=True))
    assert "known-5: 1 subject, finite leaves became NaN" in stream.getvalue()
