"""`varlaw watch`: what a watched training run has shown, while it goes on or afterwards."""

from pathlib import Path

import click

from varlaw.commands.failure import Failure


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="FILE")
def watch(run: Path) -> int:
    """Show a run: FILE is what `varlaw.watch(model, optimizer, out=FILE)` writes.

    The exit code is 1 where something violates.
    """
    from varlaw.diagnose.watching.journal import JournalError, lines
    from varlaw.reports.model import journal

    try:
        shown, wrong = journal.render(lines(run))
    except JournalError as error:
        raise Failure(str(error), 2) from error
    click.echo(shown)
    return 1 if wrong else 0
