"""`varlaw verify`: decide every claim on the subjects named, show the table, write the records and the report."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure

if TYPE_CHECKING:
    from rich.console import Console

    from varlaw.verify.session import Plan
    from varlaw.verify.verdict import Run

_DTYPES = ("float64", "float32", "float16", "bfloat16")


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--policy", default="pr", show_default=True, help="pr (finds 5 %), nightly (1 %) or release (0.1 %).")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--dtype", "dtypes", multiple=True, type=click.Choice(_DTYPES), help="Only this dtype; may be repeated.")
@click.option("--salt", default=None, help="Names the evidence: another salt, fresh draws. [default: this release's]")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Worker processes.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the run as one JSON object.")
@click.option("--report", "report_dir", type=click.Path(path_type=Path), help="Write HTML, Markdown, JUnit, CSV here.")
@click.option("-q", "--quiet", count=True, help="Only the findings and the counts.")
@click.option("-v", "--verbose", count=True, help="Every row.")
@click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
def verify(
    targets: tuple[str, ...],
    policy: str,
    device: str,
    dtypes: tuple[str, ...],
    salt: str | None,
    jobs: int,
    json_file: Path | None,
    report_dir: Path | None,
    quiet: int,
    verbose: int,
    no_color: bool,
) -> int:
    """Check subjects against their laws.

    TARGET is a glob over subject names, such as 'torch.nn.*' or 'varlaw.numpy.he_normal'; without one, everything that
    can be imported is checked.
    """
    from rich.console import Console

    from varlaw.reports import terminal
    from varlaw.verify.session import SALT, exit_code

    chosen = {"policy": policy, "device": device, "dtypes": dtypes or _DTYPES, "salt": salt or SALT, "jobs": jobs}
    agreed = _plan(targets=targets, **chosen)
    _writable(json_file, report_dir)
    stderr = Console(stderr=True, no_color=no_color or None)
    for line in agreed.left_out:
        stderr.print(f"not run: {line}", highlight=False, markup=False)
    run = _execute(agreed, stderr, quiet)
    _write(run, json_file, report_dir)
    report = report_dir / "index.html" if report_dir else None
    terminal.render(run, Console(no_color=no_color or None, highlight=False), verbosity=verbose - quiet, report=report)
    return exit_code(run)


def _plan(**options: Any) -> "Plan":
    from varlaw.verify import session

    try:
        return session.plan(session.Request(**options))
    except session.NothingSelected as error:
        raise Failure(str(error), 5) from error
    except session.CannotRun as error:
        msg = f"could not run: {error}"
        raise Failure(msg, 3) from error
    except ValueError as error:
        raise Failure(str(error), 2) from error


def _execute(agreed: "Plan", stderr: "Console", quiet: int) -> "Run":
    """Decide, with progress on stderr where a person looks at it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from varlaw.verify.session import execute

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    hidden = bool(quiet) or not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=len(agreed.tasks))
        return execute(agreed, lambda v: bar.update(task, advance=1, description=f"{v.claim} {v.subject}"))


def _writable(json_file: Path | None, report_dir: Path | None) -> None:
    """Refuse, and load what will write, before the work: a result is never lost to a mistake that could be seen."""
    from varlaw.reports import schema, site  # noqa: F401 - the schema is loaded for the line above
    from varlaw.reports.files import ReportError, probe

    try:
        if json_file:
            probe(json_file.parent)
        if report_dir:
            probe(report_dir)
            site.inspect(report_dir)
    except ReportError as error:
        raise Failure(str(error), 2) from error


def _write(run: "Run", json_file: Path | None, report_dir: Path | None) -> None:
    from varlaw.reports import schema, site
    from varlaw.reports.files import ReportError

    try:
        if json_file:
            schema.write(run, json_file)
        if report_dir:
            site.write_all(run, report_dir)
    except ReportError as error:
        raise Failure(str(error), 2) from error
