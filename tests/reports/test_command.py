"""`varlaw report`: what it writes, what it refuses, and with which exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from varlaw.claims.verdict import Outcome, Run
from varlaw.commands import report as command
from varlaw.reports import schema, site


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr(command, "library", lambda: site.Library(laws={}))  # the catalogue has a test of its own

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(command.report, [str(a) for a in arguments])

    return invoke


@pytest.fixture
def recorded(run: Run, tmp_path: Path) -> Path:
    schema.write(run, tmp_path / "in" / "run.json")
    return tmp_path / "in" / "run.json"


def test_a_report_is_written(invoke: Callable[..., Result], recorded: Path, tmp_path: Path) -> None:
    done = invoke(recorded, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "out" / "index.html") in done.output
    assert schema.read(tmp_path / "out" / "run.json") == schema.read(recorded)


def test_two_runs_and_json(invoke: Callable[..., Result], recorded: Path, tmp_path: Path) -> None:
    done = invoke(recorded, recorded, "-o", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["changes"] == [[]]
    assert {Path(p).name for p in found["files"]} >= {"index.html", "run-1.json", "run-2.json"}


def test_quiet(invoke: Callable[..., Result], recorded: Path, tmp_path: Path) -> None:
    assert invoke(recorded, "-o", tmp_path / "out", "-q").output == ""


def one_line(done: Result, code: int) -> str:
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_bad_records_are_named_in_one_line(invoke: Callable[..., Result], recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invoke(recorded, "-o", out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    for name, data in {"cut": recorded.read_bytes()[:900], "none": b"", "other": b'{"a": 1}'}.items():
        (tmp_path / name).write_bytes(data)
        assert str(tmp_path / name) in one_line(invoke(tmp_path / name, "-o", out), 3)
    one_line(invoke(tmp_path / "missing", "-o", out), 3)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_nothing_to_report(
    invoke: Callable[..., Result], make_run: Callable[..., Run], run: Run, tmp_path: Path
) -> None:
    schema.write(make_run([]), tmp_path / "empty.json")
    assert "no verdicts" in one_line(invoke(tmp_path / "empty.json", "-o", tmp_path / "out"), 5)
    errors = [v for v in run if v.outcome is Outcome.ERROR]
    schema.write(make_run(errors), tmp_path / "errors.json")
    assert "errors only" in one_line(invoke(tmp_path / "errors.json", "-o", tmp_path / "out"), 3)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use(invoke: Callable[..., Result], recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    assert "notes.txt" in one_line(invoke(recorded, "-o", tmp_path / "out"), 2)


def test_a_folder_that_cannot_be_made(invoke: Callable[..., Result], recorded: Path, tmp_path: Path) -> None:
    assert "cannot write" in one_line(invoke(recorded, "-o", recorded / "out"), 3)


def test_usage(invoke: Callable[..., Result], recorded: Path) -> None:
    assert invoke("-o", "out").exit_code == 2
    assert invoke(recorded).exit_code == 2


def test_interactive_charts_on_request(invoke: Callable[..., Result], recorded: Path, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    assert invoke(recorded, "-o", tmp_path / "out", "--interactive").exit_code == 0
    page = (tmp_path / "out" / "charts.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert invoke(recorded, "-o", tmp_path / "out").exit_code == 0
    assert not (tmp_path / "out" / "charts.html").exists()


def test_the_catalogue_becomes_texts_with_curves() -> None:
    laws = command.catalogue()
    he = laws["he_normal.variance"]
    assert he.formula == "gain**2 / fan_in"
    assert he.parameter == "fan_in"
    assert all(y == pytest.approx(he.curve[0][0] * he.curve[0][1] / x, rel=1e-9) for x, y in he.curve)
