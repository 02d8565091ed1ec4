"""Lines on screens of any width: words stay whole, what follows stands further to the right, styles are kept."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from varlaw.commands.screen import write


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_words_stay_whole_and_lines_fit(width: int) -> None:
    stream = io.StringIO()
    words = [f"word{k:03d}" for k in range(40)]
    write(Console(file=stream, width=width, no_color=True), Text("    " + " ".join(words)))
    lines = stream.getvalue().splitlines()
    assert " ".join(" ".join(lines).split()) == " ".join(words)
    assert all(len(line.rstrip()) <= width for line in lines)
    assert all(line.startswith("      word") for line in lines[1:])


def test_a_word_longer_than_the_screen_can_be_copied() -> None:
    stream = io.StringIO()
    write(Console(file=stream, width=30, no_color=True), Text("  name " + "x" * 50))
    assert "x" * 50 in stream.getvalue()
