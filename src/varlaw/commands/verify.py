"""`varlaw verify`: decide every claim on the subjects named, show the table, write the records and the report."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure, failing
from varlaw.commands.verb import Verb

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rich.console import Console

    from varlaw.claims.verdict import Run, Verdict
    from varlaw.verify.ledger import Header, Ledger
    from varlaw.verify.plan import Plan

DTYPES = ("float64", "float32", "float16", "bfloat16")


@click.command(cls=Verb)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--claim", "claims", multiple=True, metavar="GLOB", help="Only these claims, such as 'init.*'.")
@click.option("--law", "laws", multiple=True, metavar="GLOB", help="Only claims on these laws, such as 'relu.*'.")
@click.option("--policy", default="pr", show_default=True, help="pr (finds 5 %), nightly (1 %) or release (0.1 %).")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--dtype", "dtypes", multiple=True, type=click.Choice(DTYPES), help="Only this dtype; may be repeated.")
@click.option("--salt", default=None, help="Names the evidence: another salt, fresh draws. [default: this release's]")
@click.option(
    "--case",
    "cases",
    multiple=True,
    metavar="NAME=VALUE,...",
    help="Arguments of a TARGET that is a class or function.",
)
@click.option(
    "--promise", "promises", multiple=True, metavar="TENSOR=LAW", help="Its laws: weight='he_normal(fan_in)'."
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 1024), help="Worker processes.")
@click.option("--dask", metavar="ADDRESS", help="Decide on the workers of this Dask scheduler, e.g. tcp://host:8786.")
@click.option("--ledger", "ledger_file", type=click.Path(path_type=Path), help="Keep each verdict here, and resume.")
@click.option(
    "--yearly-decisions",
    type=click.IntRange(1, 10**18),
    envvar="VARLAW_YEARLY_DECISIONS",
    help="Decisions planned for a year, over all runs; refused where they would expect more than 1e-3 false alarms.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the run as one JSON object; - is stdout."
)
@click.option("--report", "report_dir", type=click.Path(path_type=Path), help="Write HTML, Markdown, JUnit, CSV here.")
@click.option("-q", "--quiet", count=True, help="Only the findings and the counts.")
@click.option("-v", "--verbose", count=True, help="Every row.")
@click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
def verify(
    targets: tuple[str, ...],
    claims: tuple[str, ...],
    laws: tuple[str, ...],
    policy: str,
    device: str,
    dtypes: tuple[str, ...],
    salt: str | None,
    cases: tuple[str, ...],
    promises: tuple[str, ...],
    jobs: int,
    dask: str | None,
    ledger_file: Path | None,
    yearly_decisions: int | None,
    json_file: Path | None,
    report_dir: Path | None,
    quiet: int,
    verbose: int,
    no_color: bool,
) -> int:
    """Check subjects against their laws.

    TARGET is a glob over subject names, such as 'torch.nn.*' or 'varlaw.numpy.he_normal'; rows of your own, as
    package.module:ROWS or a file; or a class or function of yours, as package.layers:Linear with --case and --promise.
    Without one, everything that can be imported is checked.
    """
    from varlaw.commands.arguments import case_of, laws_of
    from varlaw.commands.screen import console
    from varlaw.evidence.streams import SALT
    from varlaw.reports.files import to_stdout
    from varlaw.verify.run import exit_code

    chosen: dict[str, Any] = {"policy": policy, "device": device, "dtypes": dtypes or DTYPES, "jobs": _workers(jobs)}
    chosen["salt"] = SALT if salt is None else salt
    if dask == "":
        msg = "dask='', but should be the address of a scheduler, such as tcp://host:8786"
        raise Failure(msg, 2)
    if dask and jobs > 1:
        msg = "--dask and --jobs are two places to decide in; give one"
        raise Failure(msg, 2)
    chosen |= {"cases": tuple(map(case_of, cases)), "laws": laws_of(promises)}
    agreed = _plan(targets=targets, about=laws, claims=claims, **chosen)
    heading = _heading(agreed, yearly_decisions)
    _writable(json_file, report_dir)
    stderr = console(no_color=no_color, stderr=True)
    screen = stderr if to_stdout(json_file) else console(no_color=no_color)
    for absence in agreed.absent:
        stderr.print(f"not run: {absence.reason}")
    with _place(dask) as executor, _opened(ledger_file, heading) as ledger:
        run = _execute(agreed, stderr, quiet, ledger, executor)
    _tell(run, screen, verbose - quiet, json_file, report_dir)
    return exit_code(run)


def _workers(jobs: int) -> int:
    """As many processes as were asked for, and as this machine runs at a time: more only wait for one another."""
    have = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if jobs > have:
        click.echo(f"{jobs} jobs were asked for; this machine runs {have} at a time, so {have} are started", err=True)
    return min(jobs, have)


def _plan(**options: Any) -> "Plan":
    from varlaw.subjects.targets import CannotRun, NothingSelected
    from varlaw.verify import plan

    try:
        return plan.plan(plan.Request(**options))
    except NothingSelected as error:
        raise Failure(str(error), 5) from error
    except CannotRun as error:
        msg = f"could not run: {error}"
        raise Failure(msg, 3) from error
    except ValueError as error:
        raise Failure(str(error), 2) from error


def _heading(agreed: "Plan", yearly_decisions: int | None) -> "Header":
    from varlaw.verify import ledger, run

    try:
        return run.header(agreed, yearly_decisions)
    except ledger.LedgerError as error:
        raise Failure(str(error), 2) from error


@contextmanager
def _place(address: str | None) -> "Iterator[Executor | None]":
    from varlaw.verify import executors

    try:
        with executors.dask(address) if address else nullcontext() as executor:
            yield executor
    except executors.NoExecutor as error:
        msg = f"could not run: {error}"
        raise Failure(msg, 3) from error


@contextmanager
def _opened(path: Path | None, heading: "Header") -> "Iterator[Ledger | None]":
    from varlaw.verify import ledger

    book = ledger.opened(path, heading) if path else nullcontext()
    with failing(2, ledger.LedgerError), failing(3, ledger.LedgerFull), book as found:
        yield found


def _execute(
    agreed: "Plan", stderr: "Console", quiet: int, ledger: "Ledger | None", executor: "Executor | None"
) -> "Run":
    """Decide, with progress on stderr where a person looks at it, and say what is kept when it ends before its time."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from varlaw.subjects.targets import CannotRun
    from varlaw.verify import run

    if ledger:
        stderr.print(_state(agreed, ledger), soft_wrap=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    hidden = bool(quiet) or not stderr.is_terminal
    try:
        with Progress(*columns, console=stderr, transient=True, disable=hidden) as bar:
            task = bar.add_task("", total=len(agreed.tasks))

            def progress(verdict: "Verdict") -> None:
                bar.update(task, advance=1, description=f"{verdict.claim} {verdict.subject}")

            return run.execute(agreed, progress, ledger=ledger, executor=executor)
    except CannotRun as error:
        msg = f"could not run: {error}{_resumption(agreed, ledger)}"
        raise Failure(msg, 3) from error
    except KeyboardInterrupt as error:
        if not ledger:
            raise
        msg = f"interrupted{_resumption(agreed, ledger)}"
        raise Failure(msg, 130) from error


def _state(agreed: "Plan", ledger: "Ledger") -> str:
    from varlaw.verify import run

    torn = "; its last line was half written and was dropped" if ledger.torn else ""
    return f"ledger: {ledger.path} holds {len(run.kept(agreed, ledger))} of {len(agreed.tasks)} decisions{torn}"


def _resumption(agreed: "Plan", ledger: "Ledger | None") -> str:
    from varlaw.verify import run

    if not ledger:
        return ""
    done = len(run.kept(agreed, ledger))
    return f" after {done} of {len(agreed.tasks)} decisions; the same command resumes from {ledger.path}"


def _writable(json_file: Path | None, report_dir: Path | None) -> None:
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


def _tell(run: "Run", screen: "Console", verbosity: int, json_file: Path | None, report_dir: Path | None) -> None:
    """Files first, then the table; the table also where a full disk takes the files."""
    from varlaw.reports import schema, site, terminal
    from varlaw.reports.files import ReportError

    with failing(3, ReportError):
        run = schema.settled(run)  # once for all forms
    try:
        if json_file:
            schema.write(run, json_file)
        if report_dir:
            site.write_all(run, report_dir)
    except ReportError as error:
        terminal.render(run, screen, verbosity=verbosity)
        raise Failure(str(error), 3) from error
    terminal.render(run, screen, verbosity=verbosity, report=report_dir / "index.html" if report_dir else None)
