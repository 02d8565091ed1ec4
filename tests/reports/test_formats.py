"""Markdown, JUnit XML, CSV and the badge: the same records, each in its own tongue, none of them broken by a name."""

import csv
import io
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports import badge, junit, markdown, table, texts, wording
from varlaw.reports.groups import distance, grouped


def test_markdown_says_what_broke(run: Run) -> None:
    text = markdown.render(run)
    assert text.startswith("## varlaw: 9 verdicts: 3 conform, 1 documented deviation, 2 violate, 1 error")
    assert "**VIOLATES** `torch.nn.ConvTranspose2d.weight`" in text
    assert "most likely: fan\\_out taken for fan\\_in" in text
    assert "[pytorch/pytorch\\#57109](https://github.com/pytorch/pytorch/issues/57109)" in text
    assert "41" not in text  # no wall time


def test_markdown_never_exceeds_its_limit(large_run: Run) -> None:
    for limit in (600, 2_000, 5_000):
        text = markdown.render(large_run, limit=limit)
        assert len(text.encode()) <= limit
        assert "Truncated here" in text
    assert len(markdown.render(large_run).encode()) <= markdown.LIMIT


def test_markdown_of_hostile_text_has_no_live_html(hostile_run: Run) -> None:
    outside_code = re.sub(r"(`+) ?.*?\1", "", markdown.render(hostile_run))
    assert set(re.findall(r"<[^>]*>", outside_code)) <= {"<details>", "<summary>", "</summary>", "</details>"}
    assert "](javascript" not in outside_code


def test_junit_counts_and_carries_the_numbers(run: Run) -> None:
    root = ET.fromstring(junit.render(run))
    assert {k: root.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7", "failures": "1", "errors": "1", "skipped": "2",
    }  # fmt: skip
    assert [s.get("name") for s in root.findall("testsuite")] == ["torch 2.13.0", "varlaw.numpy 0.1.0"]
    failure = root.find(".//failure/..")
    assert failure is not None
    properties = {p.get("name"): p.get("value") for p in failure.findall("properties/property")}
    assert properties["ratio"] == "0.5"
    assert properties["interval"] == "[0.498, 0.502]"
    assert properties["replay"] == 'v1:2026-11-22:torch.conv_transpose2d.fan:{"in":2,"out":8,"kernel":1}'
    assert {"expected", "observed", "samples", "alpha", "delta"} <= properties.keys()
    assert [c.find("failure") is not None for c in root.iter("testcase")].count(True) == 1
    assert "in 2 cases, float32 bfloat16" in failure.findtext("failure", "")
    assert "time" not in root.attrib


def test_junit_survives_hostile_text(hostile_run: Run) -> None:
    root = ET.fromstring(junit.render(hostile_run))
    assert any(texts.plain(v.subject) == c.get("classname") for v in hostile_run for c in root.iter("testcase"))


def test_csv_reads_back_number_by_number(run: Run, hostile_run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(table.render(run))))
    assert [r["state"] for r in rows] == [v.state for v in run]
    assert [float(r["ratio"]) if r["ratio"] else None for r in rows] == [v.ratio for v in run]
    assert len(list(csv.DictReader(io.StringIO(table.render(hostile_run))))) == len(hostile_run.verdicts)


def test_csv_runs_no_formula(hostile_run: Run) -> None:
    for row in csv.reader(io.StringIO(table.render(hostile_run))):
        assert not any(cell.startswith(("=", "@", "+")) for cell in row)


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_badge_is_one_line_of_svg(name: str, request: pytest.FixtureRequest) -> None:
    text = badge.render(request.getfixturevalue(name))
    assert text.count("\n") == 1
    assert ET.fromstring(text).tag.endswith("svg")


def test_badge_words(run: Run, make_run: Callable[..., Run]) -> None:
    assert "varlaw: 2 violate, 1 error, 3 conform, 1 deviation, 1 undecided" in badge.render(run)
    assert "no verdicts (interrupted)" in badge.render(make_run([], complete=False))


def test_groups_put_the_worst_first_and_of_equals_the_smallest(run: Run) -> None:
    group = next(g for g in grouped(run.verdicts) if g.state == "VIOLATES")
    assert group.counts == {"VIOLATES": 2}
    assert group.worst.case == {"in": 2, "out": 8, "kernel": 1}
    assert group.extent == "2 cases, float32 bfloat16"


def test_a_command_survives_the_shell(run: Run) -> None:
    import shlex

    for verdict in run:
        assert shlex.split(wording.replay_command(verdict)) == ["varlaw", "replay", verdict.replay]


def test_the_safe_side_of_a_limit_is_said_and_is_no_distance(make_verdict: Callable[..., Verdict]) -> None:
    limit = make_verdict(interval=None, ratio=1.13, delta=0.0156, alpha=0.0)
    assert wording.evidence(limit) == "1.1300 exact, one-sided"
    assert distance(limit) == 0
    assert wording.evidence(make_verdict(interval=None, ratio=1.01, delta=0.0156, alpha=0.0)) == "1.0100 exact"


def test_a_bound_with_a_risk_says_so(make_verdict: Callable[..., Verdict]) -> None:
    long_sum = make_verdict(interval=None, ratio=1.01, delta=0.0156, alpha=1e-12)
    assert wording.evidence(long_sum) == "1.0100 exact but for 1e-12"
