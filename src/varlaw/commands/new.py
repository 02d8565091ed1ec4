"""`varlaw new`: first files, to be corrected by who knows better."""

from pathlib import Path

import click

from varlaw.commands.failure import Failure, failing, usage
from varlaw.commands.verb import Verbs


@click.group(cls=Verbs)
def new() -> None:
    """Write a first file."""


@new.command()
@click.argument("library")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("varlaw_rows.py"), show_default=True)
@click.option("--force", is_flag=True, help="Also where the file is there.")
def subjects(library: str, output: Path, force: bool) -> int:
    """Write the rows of LIBRARY from what its layers and initialisers are identified to do."""
    from varlaw.identify.draft import draft
    from varlaw.reports.files import ReportError, probe_file, write_whole
    from varlaw.subjects.sources import importing

    if output.exists() and not force:
        msg = f"{output} is there; --force writes over it"
        raise Failure(msg, 2)
    with usage():
        probe_file(output)
    try:
        with importing():
            found = draft(library)
    except (Exception, SystemExit) as error:  # whatever somebody's library does when it is imported
        msg = f"could not run: {library} cannot be imported ({type(error).__name__}: {error})"
        raise Failure(msg, 3) from error
    with failing(3, ReportError):
        write_whole(output, found.text.encode())
    click.echo(f"{output}: {found.rows} rows; varlaw verify {output}")
    for name, why in found.left_out.items():
        click.echo(f"  no row of {name}: {why}")
    return 0
