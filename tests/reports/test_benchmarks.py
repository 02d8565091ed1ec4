"""The page of benchmarks: ratios with their spread out of pytest-benchmark's files, alone or beside a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from varlaw.claims.verdict import Run
from varlaw.cli import cli
from varlaw.reports import benchmarks
from varlaw.reports.files import ReportError
from varlaw.reports.schema import write


def _row(role: str, best: float, **extra: Any) -> dict[str, Any]:
    stats = {"min": best, "q1": 1.1 * best, "q3": 1.2 * best}
    return {"name": f"test[{role}]", "group": "g", "stats": stats, "extra_info": extra and {**extra, "role": role}}


def _file(path: Path, ours: float, name: str = "clip") -> Path:
    pair = {"pair": name, "size": 1024, "goal": 1.0}
    rows = [_row("ours", ours, **pair), _row("theirs", 2e-3, **pair), _row("alone", 5e-6), _row("slow", 1e-5)]
    machine = {"cpu": {"brand_raw": "Example CPU"}}
    found = {"benchmarks": rows, "machine_info": machine, "commit_info": {"id": "abc", "dirty": True}}
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def test_pairs_are_ratios_of_best_times_with_what_the_quartiles_allow(tmp_path: Path) -> None:
    measured = benchmarks.read(_file(tmp_path / "b.json", 1e-3))
    (pair,) = measured.pairs
    assert pair.ratio == 0.5
    assert pair.spread == pytest.approx((0.5 * 1.1 / 1.2, 0.5 * 1.2 / 1.1))
    assert pair.met
    assert [s.relative for s in measured.singles] == [1.0, 2.0]
    assert measured.commit == "abc+changes"


def test_what_memory_bounds_is_told_in_copies_of_the_same_bytes(tmp_path: Path) -> None:
    path, pair = tmp_path / "b.json", {"pair": "clip", "size": 1024, "goal": 1.0}
    rows = [_row("ours", 3e-3, **pair), _row("theirs", 4e-3, **pair), _row("copy", 2e-3, **pair)]
    path.write_text(json.dumps({"benchmarks": rows}), encoding="utf-8")
    measured = benchmarks.read(path)
    assert [(p.ratio, p.copies) for p in measured.pairs] == [(0.75, 1.5)]
    assert ">1.50</td>" in benchmarks.page([measured])
    assert benchmarks.read(_file(path, 1e-3)).pairs[0].copies is None


def test_a_ratio_has_moved_when_the_spreads_lie_apart(tmp_path: Path) -> None:
    fast, near, slow = (benchmarks.read(_file(tmp_path / f"{k}.json", k * 1e-3)).pairs[0] for k in (1, 1.1, 2))
    assert not benchmarks.moved(near, fast)
    assert benchmarks.moved(slow, fast)
    assert benchmarks.moved(fast, slow)


def test_the_page_says_what_was_missed_and_moved_and_escapes_names(tmp_path: Path) -> None:
    old, new = (_file(tmp_path / f"{k}.json", k * 1e-3, "<script>alert(1)</script>") for k in (1, 4))
    page = benchmarks.page([benchmarks.read(old), benchmarks.read(new)])
    assert "<script>alert(1)</script>" not in page
    for words in ("&lt;script&gt;alert(1)", "1.00 missed", "0.50, moved", "0 of 1 pairs reach their goal", "4 ms"):
        assert words in page
    assert page == benchmarks.page([benchmarks.read(old), benchmarks.read(new)])


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"benchmarks": [{}]}', '{"benchmarks": 3}'])
def test_another_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReportError, match=r"b\.json should be a file of pytest-benchmark") as caught:
        benchmarks.read(path)
    assert "\n" not in str(caught.value)


def test_the_command_takes_benchmarks_alone_or_beside_a_run(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    bench, run, alone, site = _file(tmp_path / "b.json", 1e-3), tmp_path / "run.json", tmp_path / "a", tmp_path / "s"
    write(make_run(), run)
    for arguments in ([str(run), "-o", str(site)], ["-o", str(alone)]):
        result = CliRunner().invoke(cli, ["report", *arguments, "--benchmarks", str(bench)])
        assert result.exit_code == 0, result.output
    assert 'href="benchmarks.html"' in (site / "index.html").read_text(encoding="utf-8")
    assert "What it costs" in (site / "benchmarks.html").read_text(encoding="utf-8")
    assert "What it costs" in (alone / "index.html").read_text(encoding="utf-8")
    nothing = CliRunner().invoke(cli, ["report", "-o", str(alone)])
    assert nothing.exit_code == 2
    assert "nothing to report" in nothing.output


def test_a_missed_goal_says_by_how_much_and_why(tmp_path: Path) -> None:
    def pair(size: int, ours: float, theirs: float, why: str = "") -> benchmarks.Pair:
        return benchmarks.Pair("p", size, 1.0, *(benchmarks.Times(t, t, t) for t in (ours, theirs)), why)

    small, middle, large = pair(2**10, 5e-6, 2e-6), pair(2**14, 13e-6, 10e-6), pair(2**20, 4e-3, 1e-3, "it waits")
    pairs = [small, middle, large]
    fixed = "checks and set-up of a call cost 3 µs more than theirs"
    assert benchmarks.reason(small, pairs) == benchmarks.reason(middle, pairs) == f"3 µs over the goal; {fixed}"
    assert benchmarks.reason(large, pairs) == "3 ms over the goal; it waits"


def test_what_was_measured_at_several_sizes_is_a_picture_with_its_exponent(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    rows = [_row("", 1e-6 * size**2, growth="<rows>", size=size) for size in (1000, 10, 100)]
    path.write_text(json.dumps({"benchmarks": rows}), encoding="utf-8")
    measured = benchmarks.read(path)
    (growth,) = measured.growths
    assert [size for size, _ in growth.points] == [10, 100, 1000]
    assert growth.exponent == pytest.approx(2)
    assert not measured.singles
    page = benchmarks.page([measured])
    for words in ("How cost grows", "&lt;rows&gt;", "1,000: 1 s", ">2.00</td>"):
        assert words in page
