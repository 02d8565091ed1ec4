"""`WidthsReport`: a coordinate check as a table of slopes with their intervals beside the law."""

from pathlib import Path

import msgspec
from markupsafe import escape

from varlaw.diagnose.records import Slope, Widths
from varlaw.reports.files import write_whole
from varlaw.reports.texts import plain

_NAME = 20  # columns


class WidthsReport:
    """What `varlaw.check_widths` found: `ok`, `slopes`, the whole `record`; it prints itself at 80 columns."""

    def __init__(self, record: Widths) -> None:
        self.record = record

    @property
    def ok(self) -> bool:
        """Whether no slope is wrong by law."""
        return not any(s.outcome == "VIOLATES" for s in self.slopes)

    @property
    def slopes(self) -> list[Slope]:
        """One for each layer, at the start and by steps."""
        return self.record.slopes

    def json(self, path: str | Path | None = None) -> str:
        """The record as one JSON object, written to `path` whole or not at all where it is given."""
        data = msgspec.json.format(msgspec.json.encode(self.record), indent=1).decode()
        if path is not None:
            write_whole(Path(path), data.encode())
        return data

    def __str__(self) -> str:
        one = self.record
        sizes = ", ".join(map(str, one.widths))
        head = f"{plain(one.name)}: slopes of ln rms over widths {sizes}, {one.draws} draws"
        law = f"law {one.law}, to within {one.delta:g}; false alarm {one.alpha:g} for the whole report (Student's t)"
        lines = [head, law, "", f"  {'layer':{_NAME}} {'role':7} {'when':6} {'slope':>7} {'interval':>17} {'law':>5}"]
        lines += [_row(s) for s in one.slopes]
        wrong = sum(s.outcome == "VIOLATES" for s in one.slopes)
        return "\n".join([*lines, "", f"  {wrong} violate" if wrong else "  no slope is wrong by law"])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def _row(s: Slope) -> str:
    name = plain(s.name) or "(model)"
    name = name if len(name) <= _NAME else "~" + name[1 - _NAME :]
    slope = "" if s.slope is None else f"{s.slope:+.3f}"
    interval = "" if s.low is None or s.high is None else f"{s.low:+.3f} {s.high:+.3f}"
    law = "" if s.expected is None else f"{s.expected:+.1f}"
    word = {"CONFORMS": "", "NOTE": "note", "NOT_APPLICABLE": s.says}.get(s.outcome, s.outcome)
    return f"  {name:{_NAME}} {s.role:7} {s.when:6} {slope:>7} {interval:>17} {law:>5} {word}".rstrip()
