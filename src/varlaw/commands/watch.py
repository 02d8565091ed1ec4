"""`varlaw watch`: what a watched training run has shown, while it goes on or afterwards."""

import sys
from pathlib import Path

import click

from varlaw.commands.failure import Failure


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--follow/--once",
    default=None,
    help="Show the run while it is written, until it ends or Ctrl-C; by default in a terminal, while it has not ended.",
)
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with pictures, too.")
def watch(runs: tuple[Path, ...], follow: bool | None, report: Path | None) -> int:
    """Show a training run that is or was watched.

    FILE is what `varlaw.watch(model, optimizer, out=FILE)` writes, of each of its processes. The exit code is 1 where
    something violates.
    """
    from varlaw.commands.check import width
    from varlaw.diagnose.symptoms import diagnoses
    from varlaw.diagnose.watching.journal import JournalError, lines
    from varlaw.diagnose.watching.merging import merged
    from varlaw.reports.files import ReportError
    from varlaw.reports.model import journal, live, run_page

    def read() -> journal.Run:
        return journal.read(merged([list(lines(path)) for path in runs]), diagnoses)

    try:
        found = read()
        follow = follow if follow is not None else sys.stdout.isatty() and not found.ended
        if follow:
            found = live.follow(read, runs)
        if found.header is None:
            msg = f"{', '.join(map(str, runs))}: nothing of a run is written yet"
            raise JournalError(msg)
        if report is not None:
            run_page.write(found, report)
    except JournalError as error:
        raise Failure(str(error), 2) from error
    except ReportError as error:
        raise Failure(str(error), 3) from error
    if not follow:
        click.echo(journal.render(found, width()))
    return 1 if found.wrong else 0
