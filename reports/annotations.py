"""Workflow commands of GitHub: an annotation for each of the first findings, a notice that counts the others.

GitHub shows ten annotations of a step and drops the rest without a word.
"""

from collections.abc import Iterator
from typing import Final

from varlaw.claims.verdict import Run
from varlaw.reports.concise import line
from varlaw.reports.counts import headline
from varlaw.reports.groups import Group

MOST: Final = 10
LEVELS: Final = {"VIOLATES": "error", "error": "error", "undecided": "warning"}


def lines(run: Run, findings: list[Group]) -> Iterator[str]:
    """`::error title=...::...` for the findings, the worst first, and the counts of the run as the last notice."""
    for group in findings[: MOST - 1]:
        yield _command(LEVELS.get(group.state, "notice"), f"varlaw: {group.subject}", line(group))
    left = len(findings) - (MOST - 1)
    more = f"; {left} more findings are in the log" if left > 0 else ""
    yield _command("notice", "varlaw", headline(run) + more)


def _command(level: str, title: str, text: str) -> str:
    """
    >>> _command("error", "a: b", "100 %")
    '::error title=a%3A b::100 %25'
    """
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    name = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{escaped}"
