"""`varlaw baseline record` and `diff`: what a framework starts with, and what changed between its versions."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from varlaw.commands.failure import Failure, failing, usage
from varlaw.commands.verb import Verbs

if TYPE_CHECKING:
    from rich.console import Console

    from varlaw.identify.baseline.records import Baseline


@click.group(cls=Verbs)
def baseline() -> None:
    """Record defaults, and compare versions.

    What a framework starts with, and what changed from one version to another.
    """


@baseline.command()
@click.argument("frameworks", nargs=-1, required=True, metavar="FRAMEWORK...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file, written whole or not.")
@click.option("--salt", default=None, help="Names the draws: another salt, fresh draws. [default: this release's]")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def record(frameworks: tuple[str, ...], output: Path, salt: str | None, quiet: bool) -> int:
    """Identify every law that the installed version of FRAMEWORK starts with, and measure its constants.

    FRAMEWORK is a framework's name or a glob over subject names, such as torch or 'keras.layers.*'. A layer that cannot
    be looked at is recorded as such; the others are still there.
    """
    from varlaw.commands.screen import console
    from varlaw.evidence.streams import SALT, check_salt
    from varlaw.identify.baseline.records import encode
    from varlaw.identify.baseline.sound import BaselineError
    from varlaw.reports.files import ReportError, probe_file, to_stdout, write_whole
    from varlaw.reports.texts import plain
    from varlaw.subjects.targets import CannotRun, NothingSelected

    stderr, salt = console(stderr=True), SALT if salt is None else salt
    with usage():
        check_salt(salt)
        probe_file(output)
    try:
        found = _recorded(frameworks, salt, stderr, hidden=quiet)
        write_whole(output, encode(found))
    except NothingSelected as error:
        raise Failure(str(error), 5) from error
    except (CannotRun, BaselineError) as error:
        msg = f"could not run: {error}"
        raise Failure(msg, 3) from error
    except ReportError as error:
        raise Failure(str(error), 3) from error
    if not quiet:
        for failed in found.failed:
            line = plain(f"not recorded: {failed.subject}: {failed.error}")
            stderr.print(line, markup=False, soft_wrap=True)
        click.echo(_summary(found, output), err=to_stdout(output))
    return 0


def _recorded(frameworks: tuple[str, ...], salt: str, stderr: "Console", *, hidden: bool) -> "Baseline":
    """The baseline, with progress on stderr where a person looks at it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from varlaw.identify.baseline.record import record as measure

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=stderr, transient=True, disable=hidden or not stderr.is_terminal) as bar:
        task = bar.add_task("")
        return measure(frameworks, salt, lambda i, n, name: bar.update(task, completed=i, total=n, description=name))


def _summary(found: "Baseline", output: Path) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    known = sum(one.reading.known for one in found.tensors)
    counts = f"{known} laws identified, {len(found.tensors) - known} unknown, {len(found.facts)} constants"
    errors = f", {len(found.failed)} not recorded" if found.failed else ""
    return f"{output}: {versions}: {counts}{errors}"


@baseline.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the changes as one JSON object.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table, as for a pull request.")
@click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
def diff(old: Path, new: Path, json_file: Path | None, markdown: bool, no_color: bool) -> int:
    """Say which laws moved, appeared or vanished from the baseline OLD to NEW.

    Other draws of the same law are no change. Exit code 0 for no change, 1 for a change, 2 for a file that is no
    baseline, was cut off or edited, or is of another framework.
    """
    from varlaw.commands import changes
    from varlaw.commands.screen import console, write
    from varlaw.identify.baseline.diff import compare
    from varlaw.identify.baseline.sound import BaselineError
    from varlaw.reports.files import ReportError, probe_file, to_stdout, write_whole

    with failing(2, BaselineError, ReportError):
        if json_file:
            probe_file(json_file)
        with _uncollected():
            found = compare(_read(old), _read(new))
    if json_file:
        with failing(3, ReportError):
            write_whole(json_file, changes.as_json(found))
    if markdown:
        click.echo(changes.markdown(found), nl=False, err=to_stdout(json_file))
    else:
        screen = console(no_color=no_color, stderr=to_stdout(json_file))
        for line in changes.lines(found):
            write(screen, line)
    return 1 if found.changes else 0


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for cycles, which millions of records do not have: it took half of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read(path: Path) -> "Baseline":
    from varlaw.identify.baseline.records import decode
    from varlaw.reports.files import read_record

    return decode(read_record(path), where=str(path))
