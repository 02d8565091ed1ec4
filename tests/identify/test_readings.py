"""The lines of identified laws: what names and errors hold never reaches the terminal raw."""

import io

import pytest
from rich.console import Console

from varlaw.commands import readings
from varlaw.identify.records import CaseStatistics, Identified, Reading

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\r\u202e[bold red]x[/]\n"
CASE = CaseStatistics(case={HOSTILE: HOSTILE}, shape=(2, 4), n=8, unit=1.0, z1=0.0, z2=8.0, z4=24.0, low=-2.0, high=2.0)


def _shown(one: Identified) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=400, force_terminal=True, no_color=True, legacy_windows=False)
    for line in readings.lines(one, verbose=True, heading=HOSTILE):
        console.print(line)
    return stream.getvalue()


@pytest.fixture
def parts() -> Reading:
    part = Reading(family="normal", law=HOSTILE, where=HOSTILE)
    return Reading(
        family=HOSTILE, parts=[part], reason=HOSTILE, note=HOSTILE, same=[HOSTILE], lead=3.0, runner_up=HOSTILE
    )


@pytest.mark.parametrize("error", ["", HOSTILE])
def test_controls_are_written_out_and_markup_is_text(parts: Reading, error: str) -> None:
    one = Identified(
        subject=HOSTILE, tensor="", framework=HOSTILE, version=HOSTILE, reading=parts, error=error, cases=[CASE]
    )
    text = _shown(one)
    for raw in ("\x1b[2J", "\x1b]0", "\x07", "\r", "\u202e"):
        assert raw not in text
    assert text.count("\\x1b[2J") >= (4 if error else 9)
    assert "[bold red]x[/]" in text
