"""Several runs: side by side, what changed between them, and the pages of laws and frameworks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from varlaw.claims.verdict import Outcome, Run, Verdict
from varlaw.reports import diff, frameworks, html, lawbook, ours, site
from varlaw.reports.benchmarks import Measured
from varlaw.reports.diff import Kind, as_records, compare, movement
from varlaw.reports.files import ReportError
from varlaw.reports.lawbook import LawText
from varlaw.reports.merge import merged, version_order

NUMBERS = {"outcome": Outcome.CONFORMS, "ratio": 1.001, "observed": 0.034, "interval": (0.99, 1.01), "likely": None}


def changed(verdict: Verdict, **changes: Any) -> Verdict:
    return Verdict(**{**{name: getattr(verdict, name) for name in verdict.__struct_fields__}, **changes})


@pytest.fixture
def older(make_run: Callable[..., Run]) -> Run:
    """The usual run as an earlier version would have given it: one law still held, one subject was not yet there."""
    verdicts = [changed(v, version="2.9.0") if v.framework == "torch" else v for v in make_run()]
    verdicts = [changed(v, **NUMBERS) if v.claim == "init.fan_in" else v for v in verdicts]
    kept = [v for v in verdicts if v.subject not in ("torch.nn.Identity", "varlaw.numpy.clip_by_global_norm")]
    return make_run(kept, versions={"torch": "2.9.0"}, salt="2026-11-21", wall_time=1.0)


def law_text(**changes: Any) -> LawText:
    fields: dict[str, Any] = {
        "name": "uniform.variance",
        "title": "Variance of a symmetric uniform law",
        "quantity": "Var[w]",
        "formula": "bound**2 / 3",
        "kind": "exact",
        "domain": (("bound", "a number > 0"),),
        "hypotheses": ("entries follow the stated law",),
        "derivation": "Integral of w**2 over (-bound, bound), over 2 bound.",
        "source": "derived",
        "statistic": "sample moment",
        "notes": (("not to confuse with", "bound**2 / 12 <of the width>"),),
        "parameter": "bound",
        "fixed": "",
        "curve": tuple((k / 10, (k / 10) ** 2 / 3) for k in range(1, 40)),
    }
    return LawText(**{**fields, **changes})


@pytest.fixture
def laws() -> Mapping[str, LawText]:
    untested = law_text(name="other.law", curve=(), parameter="")
    return {"uniform.variance": law_text(), "other.law": untested}


def test_a_single_run_is_not_changed_by_merging(run: Run) -> None:
    assert merged([run]) is run


def test_merging_adds_risks_and_keeps_equal_verdicts_once(run: Run, older: Run) -> None:
    both = merged([older, run])
    assert both.run.versions["torch"] == "2.9.0 and 2.13.0"
    assert both.run.decisions == 624
    assert both.run.alpha_budget == pytest.approx(2 * 312e-12, rel=1e-12)
    assert both.run.salt == "2026-11-21 and 2026-11-22"
    assert len(both.verdicts) == len(older.verdicts) + len(run.verdicts)
    assert len(merged([run, run]).verdicts) == len(run.verdicts)


def test_versions_sort_as_people_count() -> None:
    assert sorted(["2.13.0", "2.9.1", "2.13.0+cpu", "10"], key=version_order) == ["2.9.1", "2.13.0", "2.13.0+cpu", "10"]


def test_what_changed_between_two_runs(run: Run, older: Run) -> None:
    changes = compare(older, run)
    assert [(c.kind, c.group.subject) for c in changes] == [
        (Kind.BROKE, "torch.nn.ConvTranspose2d.weight"),
        (Kind.NEW, "torch.nn.Identity"),
    ]
    assert changes[0].detail == "measured std is 0.5 times what it was (float32)"
    assert [c.kind for c in compare(run, older)] == [Kind.FIXED, Kind.GONE]
    assert compare(run, run) == []
    assert as_records(changes)[0]["before"] == {"version": "2.9.0", "state": "conforms"}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("VIOLATES", "conforms", "fixed"),
        ("VIOLATES", "deviation", "documented"),
        ("VIOLATES", "undecided", "changed state"),
        ("error", "not applicable", "changed state"),
        ("conforms", "VIOLATES", "broke"),
        ("deviation", "error", "broke"),
    ],
)
def test_only_what_conforms_was_mended(before: str, after: str, kind: str) -> None:
    assert diff._turn(before, after).value == kind


def test_other_draws_of_the_same_law_are_no_change(run: Run, make_run: Callable[..., Run]) -> None:
    drawn = [v for v in run if v.interval is not None and v.observed is not None and v.ratio is not None]
    again = [changed(v, observed=v.observed * 1.001, ratio=v.ratio * 1.001) for v in drawn]
    assert compare(make_run(drawn), make_run(again)) == []


@pytest.mark.parametrize(
    ("interval", "moved"), [((0.99, 1.01), False), ((1.02, 1.04), False), ((1.08, 1.12), True), ((None, None), False)]
)
def test_a_law_moves_when_the_intervals_part_by_more_than_delta(interval: Any, moved: bool, run: Run) -> None:
    old = changed(run.verdicts[0], interval=(0.99, 1.01), ratio=1.0, observed=0.0721688)
    new = changed(old, interval=interval, ratio=1.1, observed=0.0793857)
    assert (movement(old, new) is not None) is moved
    assert (movement(new, old) is not None) is moved


def test_several_runs_stand_side_by_side(run: Run, older: Run) -> None:
    page = html.render(older, run)
    assert "What changed" in page
    assert '<th scope="colgroup" colspan="2">' in page
    assert page.index('<th scope="col">2.9.0</th>') < page.index('<th scope="col">2.13.0</th>')
    assert "not run" in page
    assert "over the 624 decisions that rest on draws or on long sums" in page
    assert page.count("<dt>command</dt>") == 2


def test_devices_are_told_apart(run: Run, make_run: Callable[..., Run]) -> None:
    on_gpu = make_run([changed(v, device="cuda") for v in run])
    assert "f32@cpu bf16@cpu f32@cuda bf16@cuda" in html.render(run, on_gpu)
    assert "@cpu" not in html.render(run)


def test_runs_with_no_framework_in_common_are_not_compared(run: Run, make_run: Callable[..., Run]) -> None:
    other = make_run([changed(v, framework="jax") for v in run])
    assert "What changed" not in html.render(run, other)


def test_a_page_for_each_law(run: Run, laws: Mapping[str, LawText]) -> None:
    pages = lawbook.pages(run, laws)
    assert set(pages) == {"laws/index.html", "laws/uniform.variance.html", "laws/other.law.html"}
    page = pages["laws/uniform.variance.html"].replace("<wbr>", "")
    for phrase in ("bound**2 / 3", "a number &gt; 0", "&lt;of the width&gt;", "torch.nn.Linear.weight", "1.0003"):
        assert phrase in page
    assert "No verdict of this run" in pages["laws/other.law.html"]
    assert "fan.<wbr>transposed" in pages["laws/index.html"]  # tested, though not in this catalogue


def test_a_page_for_each_framework(run: Run, hostile_run: Run) -> None:
    pages = {part.address: part.render() for part in frameworks.parts(run)}
    assert set(pages) == {"frameworks/torch.html", "frameworks/varlaw-numpy.html"}
    assert 'href="torch.html"' in frameworks.index(run)
    assert "second moment preserved" in pages["frameworks/torch.html"]
    hostile = {part.address: part.render() for part in frameworks.parts(hostile_run)}
    assert len(hostile) == len({v.framework for v in hostile_run})
    assert all(name.removeprefix("frameworks/").replace(".html", "").isascii() for name in hostile)
    assert not any("<script>alert" in page for page in hostile.values())


def test_the_first_page_links_to_the_laws(run: Run, make_run: Callable[..., Run], tmp_path: Path) -> None:
    violated = changed(run.verdicts[0], outcome=Outcome.VIOLATES)
    library = site.Library(laws={"uniform.variance": law_text()})
    page = site.write_site([make_run([violated])], tmp_path, library=library)[0].read_text(encoding="utf-8")
    assert '<a class="claim" href="laws/uniform.variance.html">' in page
    assert '"laws":{"uniform.variance":"laws/uniform.variance.html"}' in page.replace("\\u0022", '"')


def test_a_site_forgets_the_pages_of_the_one_before(run: Run, laws: Mapping[str, LawText], tmp_path: Path) -> None:
    site.write_site([run], tmp_path, library=site.Library(laws=laws))
    assert (tmp_path / "laws" / "other.law.html").exists()
    site.write_site([run], tmp_path, library=site.Library(laws={"uniform.variance": law_text()}))
    assert not (tmp_path / "laws" / "other.law.html").exists()
    assert (tmp_path / "laws" / "uniform.variance.html").exists()


def test_a_page_of_benchmarks_keeps_no_badge_of_an_earlier_run(run: Run, tmp_path: Path) -> None:
    site.write_site([run], tmp_path)
    measured = Measured(pairs=(), singles=(), growths=(), cpu="", commit="", when="")
    site.write_benchmarks([measured], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "run.json"}


def test_a_folder_with_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(ours.FolderInUse, match=r"thesis\.tex"):
        site.write_all(run, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    (tmp_path / "thesis.tex").unlink()
    (tmp_path / "index.html").write_text("<h1>not ours</h1>", encoding="utf-8")
    with pytest.raises(ours.FolderInUse, match=r"index\.html"):
        site.write_all(run, tmp_path)


def test_reports_of_ours_may_lie_in_folders_beside_it(run: Run, tmp_path: Path) -> None:
    """`nox -s frameworks`, `bench` and `power` before `nox -s verify`."""
    site.write_all(run, tmp_path / "jax")
    (tmp_path / "power").mkdir()
    (tmp_path / "power" / "power.md").write_text("# Power", encoding="utf-8")
    assert site.write_all(run, tmp_path)
    (tmp_path / "index.html").unlink()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("pass", encoding="utf-8")
    with pytest.raises(ours.FolderInUse, match=r"badge\.svg"):  # without a first page of ours nothing else is
        site.write_all(run, tmp_path)


def test_a_failed_site_leaves_the_old_report_whole(
    run: Run, make_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write_all(run, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    with pytest.raises(ReportError, match="No space left"):
        site.write_all(make_run([]), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
