"""The page: one safe file, small enough, the same bytes for the same records."""

import base64
import io
import json
import math
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from varlaw.claims.verdict import Deviation, Outcome, Run, Verdict
from varlaw.reports import charts, html, pages, site, terminal
from varlaw.reports.files import ReportError
from varlaw.reports.groups import grouped

VOID = {"wbr", "meta", "link", "input", "br", "rect", "line", "circle", "path", "col"}


class Parsed(HTMLParser):
    """Tags in order, the texts of scripts, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.text += data


def embedded(page: str) -> Any:
    found = re.search(r'id="embedded" data-encoding="(\w*)">(.*?)</script>', page, re.S)
    assert found is not None
    data = zlib.decompress(base64.b64decode(found[2]), -15) if found[1] == "deflate" else found[2].encode()
    return json.loads(data)


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_every_element_is_closed_and_nothing_is_loaded(name: str, request: pytest.FixtureRequest) -> None:
    page = Parsed(html.render(request.getfixturevalue(name)))
    assert page.open == []
    assert len(page.scripts) == 5  # the evidence, and four of ours
    assert not [t for t, a in page.tags if t in ("link", "img", "iframe", "object", "embed", "base")]
    assert not [a for t, a in page.tags if "src" in a or any(k.startswith("on") for k in a)]
    named = {f"#{a['id']}" for _, a in page.tags if "id" in a}
    asked = {(a["href"] or "").split(":")[0] for t, a in page.tags if t == "a"}
    assert {a for a in asked - named if not a.startswith("#evidence/")} <= {"https", "http", "index.html"}


def test_hostile_text_is_text(hostile_run: Run) -> None:
    page = html.render(hostile_run)
    assert "<script>alert" not in page
    assert "<script>alert(1)</script>" in Parsed(page).text
    assert "49" not in re.findall(r"&amp;(\d+)", page)  # {{7*7}} is not evaluated
    assert set(re.findall(r'href="(?!https?:|#)([^"]*)', page)) == {"index.html"}


def test_the_first_screen_answers(run: Run) -> None:
    text = " ".join(Parsed(html.render(run)).text.split())
    for phrase in (
        "1 subject violates its law",
        "This run looked for errors of 5 % or more",
        "Most likely: fan_out taken for fan_in (ln LR +812)",
        "0.5000",
        "[0.4980, 0.5020]",
        "varlaw replay",
        "certified to within 8.1 %",
        "pytorch/pytorch#57109",
        "varlaw verify --policy pr --salt 2026-11-22 'torch.nn.*'",
    ):
        assert phrase in text
    assert "41.25" not in text


def test_no_two_buttons_of_evidence_bear_one_name(run: Run) -> None:
    names = re.findall(r'<button type="button" class="open"[^>]*aria-label="([^"]*)"', html.render(run))
    assert "open: torch.nn.Linear forward.second_moment" in names
    assert len(set(names)) == len(names) > 1


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_island_holds_every_verdict(name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    data = embedded(html.render(run))
    groups = grouped(run.verdicts)
    assert len(data["cells"]) == len(groups)
    assert sum(len(cell[3]) for cell in data["cells"]) == len(run.verdicts)
    fields = re.search(r"FIELDS = \[(.*?)\]", pages.asset("panel.js"), re.S)
    assert fields is not None
    assert len(data["cells"][0][3][0]) == len(fields[1].split(","))


def test_ten_thousand_verdicts_in_time_and_size(large_run: Run) -> None:
    start = time.perf_counter()
    page = html.render(large_run)
    assert time.perf_counter() - start < 30
    assert len(page.encode()) <= html.LIMIT


def test_a_page_that_would_be_too_large_drops_conforming_evidence_first(
    large_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "LIMIT", 300_000)
    page = html.render(large_run)
    assert len(page.encode()) <= 300_000
    assert "left out to keep this page small" in page
    states = {data for cell in embedded(page)["cells"] for record in cell[3] for data in [record[6]]}
    assert {embedded(page)["texts"][s] for s in states} >= {"VIOLATES", "error", "undecided"}


def test_a_page_of_nothing_but_findings_is_small_enough(make_run: Callable[..., Run]) -> None:
    found = [
        make_verdict(v, k, state)
        for k, v in enumerate(make_run(None).verdicts[:1] * 3000)
        for state in ("deviation", "VIOLATES", "undecided")
    ]
    page = html.render(make_run(found))
    assert len(page.encode()) <= html.LIMIT
    assert "in the records" in page


def make_verdict(like: Verdict, k: int, state: str) -> Verdict:
    known = make_deviation(k) if state == "deviation" else None
    outcome = Outcome.UNDECIDED if state == "undecided" else Outcome.VIOLATES
    fields = {name: getattr(like, name) for name in Verdict.__struct_fields__}
    changes = {"subject": f"torch.{state}.{k}", "outcome": outcome, "deviation": known, "detail": f"{k} " * 60}
    return Verdict(**fields | changes)


def make_deviation(k: int) -> Deviation:
    return Deviation(id=f"d{k}", reason=f"because of {k} " * 9, link="", ratio=1.0, versions="")


def test_without_the_extra_the_chart_is_a_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "svg", lambda spec: None)
    page = html.render(run)
    assert 'class="marks"' not in page
    assert '<details class="quiet" open>' in page


def test_a_chart_that_cannot_be_drawn_loses_no_report() -> None:
    assert charts.svg({"mark": "no such mark", "encoding": 7}) is None


def test_the_chart_escapes_names(hostile_run: Run) -> None:
    pytest.importorskip("vl_convert")
    drawn = charts.svg(charts.forest(charts.selection(grouped(hostile_run.verdicts), quiet=False)))
    assert drawn is not None
    assert "<script" not in drawn
    assert "#0102" not in drawn  # every colour is a role of the page


@pytest.mark.parametrize("verdicts", [[], None])
def test_equal_records_give_equal_bytes(verdicts: Any, make_run: Callable[..., Run], tmp_path: Path) -> None:
    slow, fast = (make_run(verdicts, wall_time=t) for t in (1.0, 2.0))
    for run, name in ((slow, "a"), (fast, "b")):
        site.write_all(run, tmp_path / name)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == ["badge.svg", "index.html", "junit.xml", "run.json", "search.js", "summary.md", "verdicts.csv"]
    for name in set(names) - {"run.json"}:  # the records alone keep the wall time
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_another_process_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    paths = site.write_all(run, tmp_path / "here")
    code = "import sys; from varlaw.reports import schema, site; site.write_all(schema.read(sys.argv[1]), sys.argv[2])"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "here" / "run.json"), str(tmp_path / "there")],
        check=True,
        env={"PYTHONHASHSEED": "7", "PATH": ""},
    )
    for path in paths:
        assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("value", [math.inf, math.nan, 0.0, -1.0, 1e300, 5e-324])
def test_odd_numbers_break_no_report(value: float, make_run: Callable[..., Run], tmp_path: Path) -> None:
    fields = {name: getattr(make_run().verdicts[0], name) for name in Verdict.__struct_fields__}
    odd = [
        Verdict(**fields | {"observed": value, "expected": value, "ratio": value, "interval": ends, "outcome": outcome})
        for ends in (None, (None, None), (value, None), (value, value), (1.0, 1.0))
        for outcome in (Outcome.VIOLATES, Outcome.CONFORMS)
    ]
    run = make_run(odd)
    site.write_site([run], tmp_path / "site", library=site.Library(laws={}))
    terminal.render(run, Console(file=io.StringIO(), width=80))


def test_a_folder_that_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x", encoding="utf-8")
    with pytest.raises(ReportError, match="should be a folder"):
        site.write_all(run, tmp_path / "out")


def test_reports_load_no_framework_and_no_numpy() -> None:
    heavy = ("numpy", "torch", "jax", "scipy", "vl_convert")
    code = f"import sys, varlaw.reports.site; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
