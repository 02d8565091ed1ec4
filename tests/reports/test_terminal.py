"""The table on a terminal: findings in full, the rest in counts, at any width."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from varlaw.claims.verdict import Run
from varlaw.reports import terminal


def printed(run: Run, *, width: int = 140, verbosity: int = 0, colour: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=colour, no_color=not colour, legacy_windows=False)
    terminal.render(run, console, verbosity=verbosity, report="reports/latest/index.html")
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_findings_are_complete(run: Run, width: int) -> None:
    text = " ".join(printed(run, width=width).split())
    for phrase in (
        "varlaw 0.1.0 | torch 2.13.0, numpy 2.4.0 cpu",
        "policy pr: finds 5 %, false alarm 1e-12, false pass 1e-3 per decision | salt 2026-11-22",
        "VIOLATES 0.5000 [0.4980, 0.5020]",
        "expected std 0.034, measured 0.017; most likely: fan_out taken for fan_in (ln LR +812)",
        "worst case: in=2 out=8 kernel=1; seen in 2 cases, float32 bfloat16",
        """replay: varlaw replay 'v1:2026-11-22:torch.conv_transpose2d.fan:{"in":2,"out":8,"kernel":1}'""",
        "deviation 0.5774 exact",
        "pytorch/pytorch#57109",
        "certified to within 8.1 % (5 % was asked for)",
        "RuntimeError: cannot build <LazyLinear>",
        "not applicable torch.nn.Identity: no parameters",
        "9 verdicts: 3 conform, 1 documented deviation, 2 violate, 1 error, 1 undecided, 1 not applicable",
        "41 s",
        "report: reports/latest/index.html",
    ):
        assert phrase in text
    assert "pass" not in text.replace("false pass", "").lower()


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("verbosity", [-1, 0, 1, 2])
def test_lines_fit(run: Run, large_run: Run, width: int, verbosity: int) -> None:
    for each in (run, large_run):
        for line in printed(each, width=width, verbosity=verbosity).splitlines():
            assert len(line) <= width or "replay: " in line, line
            assert line == line.rstrip()


def test_many_conforming_rows_fold_and_findings_do_not(large_run: Run) -> None:
    text = printed(large_run)
    assert text.count("VIOLATES") == 10
    assert text.count("RuntimeError: out of memory") == 10
    assert "(-v lists them)" in text
    assert "torch.nn.Layer0003.weight" not in text
    assert "torch.nn.Layer0003.weight" in printed(large_run, verbosity=1)


def test_quiet_shows_only_what_is_wrong(run: Run) -> None:
    text = printed(run, verbosity=-1)
    assert "VIOLATES" in text
    assert "pytorch/pytorch#57109" not in text


def test_colour_only_where_it_is_wanted(run: Run) -> None:
    assert "\x1b[" not in printed(run)
    assert "\x1b[" in printed(run, colour=True)


def test_hostile_text_moves_no_cursor_and_is_no_markup(hostile_run: Run) -> None:
    text = printed(hostile_run, verbosity=2)
    assert not {c for c in text if not c.isprintable()} - {"\n"}
    assert "<script>alert(1)</script>" in text
    assert "\\x1b[2J" in text


def test_a_run_without_verdicts(make_run: Callable[..., Run]) -> None:
    assert "no verdicts" in printed(make_run([]))


def test_an_interrupted_run_says_so(make_run: Callable[..., Run]) -> None:
    assert "INTERRUPTED" in printed(make_run(complete=False))
