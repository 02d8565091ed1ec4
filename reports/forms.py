"""What `--format` prints instead of the table: a form of the findings for a program that reads them."""

from collections.abc import Callable, Iterator
from typing import Final

from varlaw.claims.verdict import Run
from varlaw.reports import annotations, concise, junit, sarif
from varlaw.reports.diff import BAD, Change
from varlaw.reports.groups import Group, grouped, worst_first

OPEN: Final = (*BAD, "undecided")  # the states of a finding


def findings(run: Run, changes: list[Change] | None = None) -> list[Group]:
    """The rows that somebody must look at, the worst first; of `changes`, those alone that are new."""
    rows = [group for group in grouped(run.verdicts) if group.state in OPEN]
    if changes is not None:
        new = {change.after.key for change in changes if change.after}
        rows = [group for group in rows if group.key in new]
    return worst_first(rows)


def _junit(run: Run, rows: list[Group]) -> Iterator[str]:
    return (piece.removesuffix("\n") for piece in junit.pieces(run))


FORMS: Final[dict[str, Callable[[Run, list[Group]], Iterator[str]]]] = {
    "concise": concise.lines,
    "github": annotations.lines,
    "sarif": sarif.lines,
    "junit": _junit,
}
