"""The catalogue in a terminal of any width: no line is longer than it but for a word that is, and nothing is lost."""

import pytest

from varlaw.commands.report import claims
from varlaw.reports.law_text import hits, listed, stated, told
from varlaw.theory import LAWS

WIDTHS = (60, 80, 100, 140)


def _fits(lines: list[str], width: int) -> list[str]:
    return [line for line in lines if len(line) > width and len(line.split()) > 2]


@pytest.mark.parametrize("width", WIDTHS)
def test_lines_fit_and_hold_every_word(width: int) -> None:
    table = [line.plain for line in listed(list(LAWS.values()), width)]
    folk = [line.plain for line in told(claims(), width)]
    assert _fits([*table, *folk], width) == []
    text, spoken = " ".join(" ".join(table).split()), " ".join(" ".join(folk).split())
    assert all(name in text for name in LAWS)
    assert all(" ".join(claim.truth.split()) in spoken for claim in claims())
    for law in LAWS.values():
        lines = [line.plain for line in stated(law, width)]
        assert _fits(lines, width) == [], law.name
        assert "".join(law.derivation.split()) in "".join("".join(lines).split()), law.name


def test_what_was_looked_for_fits_too() -> None:
    found = [(LAWS[name], "title") for name in ("he_normal.variance", "linear.equicorrelated_second_moment")]
    assert _fits([line.plain for line in hits(found, 60)], 60) == []
