"""`ModelReport`: what was found of one model, ready to be printed, shown in a notebook, and written to files."""

from pathlib import Path

from varlaw.diagnose.records import Finding, ModelRecord
from varlaw.reports.files import write_whole
from varlaw.reports.model import page, schema, text


class ModelReport:
    """What `varlaw.check_model` found: `ok`, `findings`, the whole `record`; it prints itself at 80 columns."""

    def __init__(self, record: ModelRecord) -> None:
        self.record = record

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong by law."""
        return not any(f.outcome == "VIOLATES" for f in self.findings)

    @property
    def findings(self) -> list[Finding]:
        """All findings, what is wrong first."""
        return self.record.findings

    def json(self, path: str | Path | None = None) -> str:
        """The record as one JSON object, written to `path` whole or not at all where it is given."""
        data = schema.encode(self.record)
        if path is not None:
            write_whole(Path(path), data.encode())
        return data

    def html(self, path: str | Path | None = None) -> str:
        """The report as one page that loads nothing, written to `path` where it is given."""
        shown = page.render(self.record)
        if path is not None:
            write_whole(Path(path), shown.encode())
        return shown

    def __str__(self) -> str:
        return text.render(self.record)

    def __repr__(self) -> str:
        return text.render(self.record)

    def _repr_html_(self) -> str:
        return page.fragment(self.record)
