"""A report replaces and removes its own files only."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from varlaw.claims.verdict import Run
from varlaw.reports import ours, schema, site
from varlaw.reports.benchmarks import Measured

_VARLAW = [sys.executable, "-c", "from varlaw.cli import main; main()"]
PYTEST = '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest"/></testsuites>'


def _state(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["junit.xml", "summary.md", "verdicts.csv", "badge.svg", "index.html"])
@pytest.mark.parametrize("after", [False, True])
def test_a_file_of_somebody_else_by_a_name_of_ours(name: str, after: bool, run: Run, tmp_path: Path) -> None:
    """Before the first report of a folder, and put into it afterwards."""
    if after:
        site.write_all(run, tmp_path)
    (tmp_path / name).write_text(PYTEST, encoding="utf-8")
    before = _state(tmp_path)
    named = r"badge\.svg" if after and name == "index.html" else name
    for write in (lambda: site.write_all(run, tmp_path), lambda: site.write_benchmarks([_measured()], tmp_path)):
        with pytest.raises(ours.FolderInUse, match=named):
            write()
    assert _state(tmp_path) == before


def _measured() -> Measured:
    return Measured(pairs=(), singles=(), growths=(), cpu="", commit="", when="")


def test_forms_of_a_report_without_its_first_page_are_nobodys(run: Run, tmp_path: Path) -> None:
    site.write_all(run, tmp_path)
    (tmp_path / "index.html").unlink()
    with pytest.raises(ours.FolderInUse, match=r"badge\.svg"):
        site.write_all(run, tmp_path)


def test_records_of_another_run_are_not_replaced(run: Run, make_run: Callable[..., Run], tmp_path: Path) -> None:
    """`varlaw verify --json d/run.json`, then a report of another run into d."""
    other = make_run(run.verdicts[:3])
    for first in (False, True):  # and into the folder of a report, over its own records
        if first:
            site.write_all(other, tmp_path)
        schema.write(run, tmp_path / "run.json")
        before = _state(tmp_path)
        with pytest.raises(ours.FolderInUse, match=r"run\.json holds other records"):
            site.write_all(other, tmp_path)
        assert _state(tmp_path) == before
        (tmp_path / "run.json").unlink()


def test_records_that_are_reported_or_were_are_replaced(run: Run, make_run: Callable[..., Run], tmp_path: Path) -> None:
    schema.write(run, tmp_path / "run.json")
    spelt = json.loads((tmp_path / "run.json").read_bytes())
    (tmp_path / "run.json").write_text(json.dumps(spelt, indent=4), encoding="utf-8")
    site.write_all(run, tmp_path)  # the same records, spelt otherwise
    site.write_all(make_run(run.verdicts[:3]), tmp_path)  # the report's own copy, of the report before
    site.write_benchmarks([_measured()], tmp_path)
    site.write_site([run, run], tmp_path)
    site.write_all(run, tmp_path)
    assert schema.read(tmp_path / "run.json") == schema.as_recorded(run)
    (tmp_path / "run-1.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ours.FolderInUse, match=r"run-1\.json"):
        site.write_site([run, run], tmp_path)


@pytest.mark.parametrize("name", ["laws", "frameworks", "defaults", "index.html", "junit.xml", "run.json"])
def test_no_link_is_followed_out_of_the_folder(name: str, run: Run, tmp_path: Path) -> None:
    away, folder = tmp_path / "away", tmp_path / "folder"
    site.write_site([run], away, library=site.Library(laws={}))
    folder.mkdir()
    try:
        (folder / name).symlink_to(away / name)
    except OSError:
        pytest.skip("no links here")
    before = _state(away)
    with pytest.raises(ours.FolderInUse, match=name):
        site.write_site([run], folder, library=site.Library(laws={}))
    assert _state(away) == before


def test_a_page_of_somebody_else_by_the_name_of_a_law(run: Run, tmp_path: Path) -> None:
    site.write_all(run, tmp_path)
    (tmp_path / "laws").mkdir()
    (tmp_path / "laws" / "index.html").write_text("<h1>Code of Hammurabi</h1>", encoding="utf-8")
    with pytest.raises(ours.FolderInUse, match=r"laws/index\.html"):
        site.write_site([run], tmp_path, library=site.Library(laws={}))


def test_the_command_refuses_before_the_work(tmp_path: Path) -> None:
    target = ["varlaw.numpy.zeros", "--dtype", "float32", "-q"]
    record = str(tmp_path / "d" / "run.json")

    def verify(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*_VARLAW, "verify", *target, *options], capture_output=True, text=True, check=False)

    assert verify("--json", record).returncode == 0
    done = verify("--report", str(tmp_path / "d"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "run.json holds other records" in done.stderr
    for _ in range(2):
        assert verify("--json", record, "--report", str(tmp_path / "d")).returncode == 0
    assert verify("--report", str(tmp_path / "d")).returncode == 0
