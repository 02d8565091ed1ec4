"""One verdict a row as CSV, for spreadsheets and data frames.

Guarantee: the columns are the fields of the record, numbers are written so that they read back equal, and a text that
a spreadsheet would run as a formula starts with an apostrophe.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports.texts import plain
from varlaw.reports.wording import case_text, standing

COLUMNS: Final = (
    "framework", "version", "subject", "claim", "law", "statement", "op", "dtype", "device", "case", "state",
    "quantity", "expected", "observed", "ratio", "interval_low", "interval_high", "samples", "delta", "certified",
    "alpha", "beta", "log_evidence", "likely", "likely_log_ratio", "deviation", "reason", "link", "standing",
    "detail", "replay",
)  # fmt: skip


def render(run: Run) -> str:
    """The verdicts of a run as CSV with a header line, in the order of the run."""
    return "".join(pieces(run))


def pieces(run: Run) -> Iterator[str]:
    """The same, line by line."""
    yield _line(COLUMNS)
    for verdict in run.verdicts:
        yield _line(map(_cell, _row(verdict)))


def _line(cells: Iterable[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()


def _row(verdict: Verdict) -> list[str | float | None]:
    low, high = verdict.interval or (None, None)
    known = verdict.deviation
    special = {
        "case": case_text(verdict.case),
        "state": verdict.state,
        "interval_low": low,
        "interval_high": high,
        "deviation": known.id if known else "",
        "reason": known.reason if known else "",
        "link": known.link if known else "",
        "standing": standing(known) if known else "",
    }
    return [special[name] if name in special else getattr(verdict, name) for name in COLUMNS]


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    safe = plain(value)
    return f"'{safe}" if safe[:1] in ("=", "+", "-", "@") else safe
