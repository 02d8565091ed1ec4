"""Markdown, JUnit XML, CSV and the badge: the same records, each in its own tongue, none of them broken by a name."""

import csv
import io
import json
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from varlaw.claims.verdict import Deviation, Outcome, Run, Verdict
from varlaw.reports import badge, forms, junit, markdown, sarif, table, texts, wording
from varlaw.reports.groups import distance, grouped


def test_markdown_says_what_broke(run: Run) -> None:
    text = markdown.render(run)
    assert text.startswith("## varlaw: 9 verdicts: 3 conform, 1 documented deviation, 2 violate, 1 error")
    assert "**VIOLATES** `torch.nn.ConvTranspose2d.weight`" in text
    assert "most likely: fan\\_out taken for fan\\_in" in text
    assert "[pytorch/pytorch\\#57109](https://github.com/pytorch/pytorch/issues/57109)" in text
    assert "41" not in text  # no wall time


def test_markdown_never_exceeds_its_limit(large_run: Run) -> None:
    for limit in (600, 1_000, 2_000):
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
        "tests": "7", "failures": "1", "errors": "1", "skipped": None,
    }  # fmt: skip
    assert sum(int(suite.get("skipped", "")) for suite in root.findall("testsuite")) == 2
    assert [s.get("name") for s in root.findall("testsuite")] == ["torch 2.13.0", "varlaw.numpy 0.1.0"]
    failure = root.find(".//failure/..")
    assert failure is not None
    numbers = dict(line.split(": ", 1) for line in failure.findtext("system-out", "").splitlines())
    assert numbers["ratio"] == "0.5"
    assert numbers["interval"] == "[0.498, 0.502]"
    assert numbers["replay"] == 'v1:2026-11-22:torch.conv_transpose2d.fan:{"in":2,"out":8,"kernel":1}'
    assert {"expected", "observed", "samples", "alpha", "delta"} <= numbers.keys()
    assert [c.find("failure") is not None for c in root.iter("testcase")].count(True) == 1
    assert "in 2 cases, float32 bfloat16" in failure.findtext("failure", "")
    assert "time" not in root.attrib


# Of Jenkins' schema junit-10.xsd, which pytest follows too: the attributes that must be there, those that may be there,
# and the elements inside.
JENKINS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"skipped", "time", "timestamp", "hostname", "id", "package", "group", "file", "log", "url", "version"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"classname", "time", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_junit_is_what_jenkins_reads(name: str, request: pytest.FixtureRequest) -> None:
    for element in ET.fromstring(junit.render(request.getfixturevalue(name))).iter():
        needed, allowed, inside = JENKINS[element.tag]
        assert needed <= element.attrib.keys() <= needed | allowed, element.tag
        assert {child.tag for child in element} <= inside, element.tag


def test_a_row_that_conforms_is_a_few_words(large_run: Run) -> None:
    """A run of 30,000 verdicts has some 3,000 rows and should stay near one megabyte."""
    rows = [group for group in grouped(large_run.verdicts) if group.state == "conforms"]
    cases = [c for c in ET.fromstring(junit.render(large_run)).iter("testcase") if len(c) == 1]
    assert len(cases) >= len(rows)
    sizes = sorted(len(ET.tostring(case)) for case in cases)
    assert sizes[len(sizes) // 2] < 300


def _strict(properties: dict[str, object], *required: str) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _some(items: dict[str, object], **more: object) -> dict[str, object]:
    return {"type": "array", "items": items, **more}


# Of the published schema of SARIF 2.1.0 what we write: in it, too, no object may have other properties.
TEXT: dict[str, object] = {"type": "string"}
MESSAGE = _strict({"text": TEXT}, "text")
RULE = _strict({"id": TEXT, "shortDescription": MESSAGE}, "id")
VERSION = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$"
DRIVER = _strict(
    {"name": TEXT, "semanticVersion": {"type": "string", "pattern": VERSION}, "rules": _some(RULE, uniqueItems=True)},
    "name",
)
PLACE = _strict(
    {
        "artifactLocation": _strict({"uri": {"type": "string", "format": "uri-reference"}}),
        "region": _strict({"startLine": {"type": "integer", "minimum": 1}}),
    }
)
LOGICAL = _strict({"fullyQualifiedName": TEXT, "kind": TEXT})
RESULT = _strict(
    {
        "ruleId": TEXT,
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": MESSAGE,
        "locations": _some(
            _strict({"physicalLocation": PLACE, "logicalLocations": _some(LOGICAL, uniqueItems=True)}),
        ),
        "partialFingerprints": {"type": "object", "additionalProperties": TEXT},
    },
    "message",
)
RUN = _strict(
    {"tool": _strict({"driver": DRIVER}, "driver"), "properties": {"type": "object"}, "results": _some(RESULT)}, "tool"
)
SARIF = _strict({"$schema": TEXT, "version": {"enum": ["2.1.0"]}, "runs": _some(RUN)}, "version", "runs")


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_sarif_is_what_its_schema_says(name: str, request: pytest.FixtureRequest) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    run = request.getfixturevalue(name)
    log = json.loads("\n".join(sarif.lines(run, forms.findings(run))))
    jsonschema.Draft7Validator(SARIF).validate(log)
    rules = {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == rules


def test_the_summary_of_many_deviations_stays_short_and_names_all(
    make_run: Callable[..., Run], make_verdict: Callable[..., Verdict]
) -> None:
    known = [Deviation(id=f"torch-{k:03d}", reason="as in torch", link="", ratio=0.5, versions="") for k in range(200)]
    broken = {"outcome": Outcome.VIOLATES, "interval": None, "certified": None, "ratio": 0.5}
    met = make_run([make_verdict(subject=f"torch.s{k}", deviation=d, **broken) for k, d in enumerate(known)])
    text = markdown.render(met)
    assert len(text.splitlines()) < 100
    assert all(f"`{d.id}`" in text for d in known)


def test_many_violations_are_told_by_cause_in_less_than_100_lines(
    make_run: Callable[..., Run], make_verdict: Callable[..., Verdict]
) -> None:
    states = (Outcome.VIOLATES, Outcome.ERROR, Outcome.UNDECIDED)
    broken = [
        make_verdict(subject=f"torch.s{k}", claim=f"init.c{k % 12}", outcome=state, certified=None, ratio=0.5)
        for state in states for k in range(300)
    ]  # fmt: skip
    one = [make_verdict(subject=f"torch.s{k}", outcome=Outcome.VIOLATES, certified=None, ratio=0.5) for k in range(300)]
    text = markdown.render(make_run(broken))
    assert len(text.splitlines()) < 100
    assert text.count("**VIOLATES**") == markdown.CAUSES
    assert text.count("and 24 more rows: `torch.s") == markdown.CAUSES
    assert "- 4 more causes: 100 more rows: " in text
    assert "and 299 more rows: " in markdown.render(make_run(one))


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
