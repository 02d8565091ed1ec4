"""A long run is reported as a short one is, byte for byte, without being held in memory."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from varlaw.claims.verdict import Run
from varlaw.reports import groups, merge, schema, shorten, site
from varlaw.reports.files import ReportError
from varlaw.reports.records import Records

from . import large


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is long."""
    monkeypatch.setattr(schema, "LONG", 0)


def _spellings(data: bytes) -> dict[str, bytes]:
    found = json.loads(data)
    turned = dict(reversed(found.items()))
    return {
        "lines": data,
        "one": json.dumps(found).encode(),
        "indented": json.dumps(found, indent=3, ensure_ascii=False).encode(),
        "turned": json.dumps(turned, separators=(",", ":")).encode(),
        "mark": b"\xef\xbb\xbf" + data,
        "more": json.dumps({**found, "x": [1, {"verdicts": []}], "y": "\u00e9"}).encode(),
    }


@pytest.mark.parametrize("spelling", ["lines", "one", "indented", "turned", "mark", "more"])
@pytest.mark.parametrize("name", ["run", "hostile_run"])
@pytest.mark.usefixtures("long")
def test_any_layout_reads_as_the_same_run(
    spelling: str, name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from varlaw.reports import scanner

    run = schema.as_recorded(request.getfixturevalue(name))
    (tmp_path / "run.json").write_bytes(_spellings(schema.encode(run))[spelling])
    for chunk in (1 << 20, 7):  # a value is cut wherever it can be
        monkeypatch.setattr(scanner, "_CHUNK", chunk)
        found = schema.read(tmp_path / "run.json")
        assert found == run
        assert list(found.verdicts[-2:]) == list(run.verdicts[-2:])
        assert schema.mark(found) == schema.mark(run)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-3],
        lambda data: data + b"x",
        lambda data: b"[" * 100_000 + data,
        lambda data: data.replace(b"{", b"\xff", 3),
        lambda data: data.replace(b'"alpha":1e-12', b'"alpha":NaN', 1),
        lambda data: data.replace(b'"alpha":1e-12', b'"alpha":9', 1),
        lambda data: data.replace(b'"samples":4608', b'"samples":-5', 1),
        lambda data: data.replace(b"varlaw.run/1", b"varlaw.run/9"),
        lambda data: data.replace(b'"verdicts"', b'"verdict"'),
        lambda data: data.replace(b'"run":', b'"ran":'),
        lambda data: b"{}",
    ],
)
def test_a_long_record_is_refused_as_a_short_one(
    spoil: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.json").write_bytes(spoil(schema.encode(run)))
    reasons = []
    for length in (1 << 30, 0):
        monkeypatch.setattr(schema, "LONG", length)
        with pytest.raises(ReportError) as caught:
            schema.read(tmp_path / "run.json")
        assert "\n" not in str(caught.value)
        reasons.append(str(caught.value).partition(": ")[0])
    assert len(set(reasons)) == 1 or "follow" in reasons[0], reasons


@pytest.mark.parametrize("layout", ["lines", "one"])
def test_a_long_run_gives_the_same_report_to_the_byte(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large.write(tmp_path / "run.json", 3000, layout=layout)
    for name, length in (("short", 1 << 30), ("long", 0)):
        monkeypatch.setattr(schema, "LONG", length)
        runs = [schema.read(tmp_path / "run.json")]
        site.write_site(runs, tmp_path / name, library=site.Library(laws={}))
    here, there = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*.*")} for f in (tmp_path / "short", tmp_path / "long")
    )
    assert here == there


def test_two_runs_are_merged_by_their_places(tmp_path: Path) -> None:
    for count in (20, 30):
        large.write(tmp_path / f"{count}.json", count)
    runs = [schema.read(tmp_path / f"{count}.json") for count in (20, 30)]
    both = merge.merged(runs)
    assert list(both.verdicts) == list(runs[1].verdicts)  # the first twenty stand in both


@pytest.mark.usefixtures("long")
def test_a_long_run_stays_in_its_file(tmp_path: Path) -> None:
    """All that is held of a verdict: where it stands, and a part of what its row counts."""
    count = 20_000
    large.write(tmp_path / "run.json", count, per_subject=10)
    tracemalloc.start()
    run = schema.read(tmp_path / "run.json")
    assert isinstance(run.verdicts, Records)
    short = shorten.abridged(run)
    rows = groups.worst_first(groups.grouped(short.verdicts))
    assert shorten.abridged(short) == short
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows) > count / 10
    assert now < 600 * count + 20_000_000  # the cache of decoded verdicts does not grow
    assert peak < 1200 * count + 25_000_000


def test_a_limit_on_memory_loses_pictures_and_no_report(run: Run, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    pytest.importorskip("vl_convert")
    schema.write(run, tmp_path / "run.json")
    code = "import sys; from varlaw.reports import schema, site; site.write_all(schema.read(sys.argv[1]), sys.argv[2])"
    limit = 12 << 30

    def report(name: str, limited: bool) -> str:
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "run.json"), str(tmp_path / name)],
            check=True,
            preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limited else None,
        )
        return (tmp_path / name / "index.html").read_text(encoding="utf-8")

    assert "<svg" in report("free", limited=False)
    limited = report("limited", limited=True)
    assert "The numbers as a table" in limited or "The same numbers" in limited
