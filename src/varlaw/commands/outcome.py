"""What `varlaw verify` leaves behind: files, refused before the work or written after it, and what it prints."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from varlaw.commands.failure import Failure, failing

if TYPE_CHECKING:
    from rich.console import Console

    from varlaw.claims.verdict import Run


def writable(json_file: Path | None, report_dir: Path | None) -> None:
    """Refuse, and load what will write, before the work: a result is never lost to a mistake that could be seen."""
    from varlaw.reports import ours, site  # noqa: F401 - the site is loaded for the line above
    from varlaw.reports.files import ReportError, probe, probe_file

    try:
        if json_file:
            probe_file(json_file)
        if report_dir:
            probe(report_dir)
            ours.inspect(report_dir)
            if json_file is None or json_file.absolute() != (report_dir / "run.json").absolute():
                ours.refuse_records(report_dir, {"run.json": "not known yet"})
    except ReportError as error:
        raise Failure(str(error), 2) from error


def tell(
    run: "Run",
    screen: "Console",
    verbosity: int,
    json_file: Path | None,
    report_dir: Path | None,
    form: str,
    before: "tuple[str, Run] | None",
) -> None:
    """Files first, then what is printed; that also where a full disk takes the files."""
    from varlaw.reports import forms, schema, site, terminal
    from varlaw.reports.diff import compare
    from varlaw.reports.files import ReportError

    with failing(3, ReportError):
        run = schema.as_recorded(run)  # once for all forms
    changes = (before[0], compare(before[1], run)) if before else None

    def show(report: Path | None) -> None:
        if form == "text":
            terminal.render(run, screen, verbosity=verbosity, report=report, opened=True, since=changes)
        else:
            for line in forms.FORMS[form](run, forms.findings(run, changes and changes[1])):
                click.echo(line)

    try:
        if json_file:
            schema.write(run, json_file)
        if report_dir:
            site.write_all(run, report_dir)
    except ReportError as error:
        show(None)
        raise Failure(str(error), 3) from error
    show(report_dir / "index.html" if report_dir else None)


def earlier(path: Path | None) -> "tuple[str, Run] | None":
    """An earlier run with the name that is shown for it; read before the work, so that a mistake costs nothing."""
    from varlaw.reports.files import ReportError
    from varlaw.reports.schema import read

    with failing(2, ReportError):
        return (str(path), read(path)) if path else None
