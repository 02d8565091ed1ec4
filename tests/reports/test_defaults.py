"""Pages of recorded defaults: every law and constant, what changed, names escaped, equal versions kept apart."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from varlaw.claims.verdict import Run
from varlaw.cli import cli
from varlaw.identify.baseline.record import record
from varlaw.identify.baseline.records import encode
from varlaw.reports import defaults
from varlaw.reports.defaults import Default, Defaults, Move, Version, VersionChange
from varlaw.reports.schema import write
from varlaw.subjects.registry import select

HOSTILE = "<script>alert(1)</script>"


def _version(title: str) -> Version:
    rows = (
        Default(
            name="torch.nn.Linear.weight", law="Uniform(1/sqrt(fan_in))", known=True, std="0.07", evidence="9 nats"
        ),
        Default(name=HOSTILE, law="unknown", known=False, notes=("no law fits", HOSTILE)),
    )
    return Version(
        title=title, defaults=rows, facts=(("torch.nn.LayerNorm", "eps", "1e-05"),), failed=((HOSTILE, "x"),)
    )


def test_every_law_constant_and_change_is_shown_and_escaped() -> None:
    move = Move(
        kind="moved", name=HOSTILE, before="Uniform(1)", after="Normal(1)", scale="std x0.5", touches=(HOSTILE,)
    )
    change = VersionChange(old="torch 1", new="torch 2", summary="2 laws compared", moves=(move,))
    found = defaults.pages(Defaults(versions=(_version("torch 1"), _version("torch 2")), changes=(change,)))
    assert set(found) == {f"defaults/{n}.html" for n in ("index", "torch-1", "torch-2", "torch-1-to-torch-2")}
    assert not any(HOSTILE in page for page in found.values())
    for words in (
        "Uniform(1/sqrt(fan_in))",
        "1e-05",
        "no law fits",
        "&lt;script&gt;",
        'href="torch-1-to-torch-2.html"',
    ):
        assert words in found["defaults/torch-1.html"], words
    assert "std x0.5" in found["defaults/torch-1-to-torch-2.html"]
    assert '<td class="num">1</td>' in found["defaults/index.html"]


def test_a_column_that_no_row_fills_is_left_out() -> None:
    plain = Version(title="torch 1", defaults=(Default(name="w", law="Constant(0)", known=True),))
    found = defaults.pages(Defaults(versions=(plain, _version("torch 2"))))
    assert "Evidence</th>" not in found["defaults/torch-1.html"]
    assert "Evidence</th>" in found["defaults/torch-2.html"]


def test_two_recordings_of_one_version_have_pages_of_their_own() -> None:
    found = defaults.pages(Defaults(versions=(_version("torch 1"), _version("torch 1"))))
    assert {"defaults/torch-1.html", "defaults/torch-1-2.html"} < set(found)


def test_the_command_adds_them_to_the_site(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    run, files = tmp_path / "run.json", [tmp_path / f"{salt}.json" for salt in "ab"]
    write(make_run(), run)
    for path in files:
        baseline = record("varlaw.numpy.he_normal", path.stem)
        path.write_bytes(encode(baseline))
    options = [word for path in files for word in ("--baseline", str(path))]
    result = CliRunner().invoke(cli, ["report", str(run), *options, "-o", str(tmp_path / "site")])
    assert result.exit_code == 0, result.output
    assert 'href="defaults/index.html"' in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    pages = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "site" / "defaults").glob("*.html"))
    assert "Nothing moved." in pages
    assert select(["varlaw.numpy.he_normal"])[0].name in pages.replace("<wbr>", "")


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "varlaw.baseline/1"}'])
def test_what_is_no_baseline_is_refused_in_one_line(tmp_path: Path, make_run: Callable[..., Run], text: str) -> None:
    run, path = tmp_path / "run.json", tmp_path / "b.json"
    write(make_run(), run)
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["report", str(run), "--baseline", str(path), "-o", str(tmp_path / "site")])
    assert result.exit_code == 3
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "site").exists()
