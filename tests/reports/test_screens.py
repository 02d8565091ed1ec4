"""Screens at four widths are those that a person has read: `python -m tests.reports.screens` writes them anew."""

import pytest

from tests.reports.screens import FOLDER, WIDTHS, at_all_widths, screens
from varlaw.claims.verdict import Run

COPIED = ("replay: ", "torch.nn.utils.", "Rule(", "varlaw ", "varlaw: ")  # lines that stay whole: to paste, or an error


@pytest.fixture(scope="module")
def shown(run: Run, many_run: Run) -> dict[str, str]:
    return {name: at_all_widths(screen) for name, screen in screens(run, many_run)}


def test_screens_are_as_they_were_read(shown: dict[str, str]) -> None:
    read = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    assert sorted(read) == sorted(shown)
    changed = [name for name in read if read[name] != shown[name]]
    assert not changed, "read the difference after `python -m tests.reports.screens`"


def test_lines_fit_on_every_screen(shown: dict[str, str]) -> None:
    wide = []
    for name, text in shown.items():
        for part, width in zip(text.split("=" * 10)[1:], WIDTHS, strict=True):
            lines = [line for line in part.splitlines() if not line.strip().startswith(COPIED)]
            wide += [(name, line) for line in lines if len(line) > width and len(line.split()) > 1]
    assert not wide
