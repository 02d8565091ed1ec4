"""`varlaw verify`: decide every claim on the subjects named, show the table, write the records and the report."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure, failing
from varlaw.commands.outcome import earlier, tell, writable
from varlaw.commands.progress import execute
from varlaw.commands.verb import Verb

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from varlaw.verify.ledger import Header, Ledger
    from varlaw.verify.plan import Plan

DTYPES = ("float64", "float32", "float16", "bfloat16")
FORMS = ("text", "concise", "github", "sarif", "junit")
DECISIONS_A_PROCESS = 400


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
@click.option("--jobs", type=click.IntRange(1, 1024), help="Worker processes. [default: as many as there are CPUs]")
@click.option("--dask", metavar="ADDRESS", help="Decide on the workers of this Dask scheduler, e.g. tcp://host:8786.")
@click.option("--ledger", "ledger_file", type=click.Path(path_type=Path), help="Keep each verdict here, and resume.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep verdicts here; what the same code said is not decided again.",
)
@click.option(
    "--yearly-decisions",
    type=click.IntRange(1, 10**18),
    envvar="VARLAW_YEARLY_DECISIONS",
    help="Decisions planned for a year, over all runs; refused where they would expect more than 1e-3 false alarms.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the run as one JSON object; - is stdout."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="text",
    help="What is printed: the table, one line a finding, GitHub's annotations, SARIF or JUnit. [default: text]",
)
@click.option(
    "--since",
    type=click.Path(path_type=Path),
    metavar="RUN.JSON",
    help="Show first what changed since then; other formats than text then hold only what is new.",
)
@click.option("--shard", default="1/1", metavar="K/N", help="Only the k-th of n parts of the subjects.")
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
    jobs: int | None,
    dask: str | None,
    ledger_file: Path | None,
    cache: Path | None,
    yearly_decisions: int | None,
    json_file: Path | None,
    form: str,
    since: Path | None,
    shard: str,
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
    from varlaw.reports import terminal
    from varlaw.reports.files import to_stdout
    from varlaw.verify import memory
    from varlaw.verify.run import exit_code, opening

    memory.keep()
    chosen: dict[str, Any] = {"policy": policy, "device": device, "dtypes": dtypes or DTYPES, "shard": _part(shard)}
    chosen["salt"] = SALT if salt is None else salt
    if dask == "":
        msg = "dask='', but should be the address of a scheduler, such as tcp://host:8786"
        raise Failure(msg, 2)
    if dask and jobs:
        msg = "--dask and --jobs are two places to decide in; give one"
        raise Failure(msg, 2)
    if cache and (ledger_file or dask):
        msg = f"--cache and --{'ledger' if ledger_file else 'dask'} do not go together; give one"
        raise Failure(msg, 2)
    if form != "text" and to_stdout(json_file):
        msg = f"--format {form} and --json - both write to stdout; give one"
        raise Failure(msg, 2)
    chosen |= {"cases": tuple(map(case_of, cases)), "laws": laws_of(promises)}
    agreed = _plan(targets=targets, about=laws, claims=claims, **chosen)
    heading = _heading(agreed, yearly_decisions)
    writable(json_file, report_dir)
    before = earlier(since)
    stderr = console(no_color=no_color, stderr=True)
    screen = stderr if to_stdout(json_file) or form != "text" else console(no_color=no_color)
    agreed = replace(agreed, request=replace(agreed.request, jobs=1 if dask else _workers(jobs, len(agreed.tasks))))
    with _place(dask) as executor, _opened(ledger_file, cache, heading) as ledger:
        terminal.opening(opening(agreed), screen)
        if agreed.absent:
            stderr.print(f"not run: {'; '.join(absence.reason for absence in agreed.absent)}", soft_wrap=True)
        run = execute(agreed, stderr, quiet, ledger, executor)
    tell(run, screen, verbose - quiet, json_file, report_dir, form, before)
    return exit_code(run)


def _part(text: str) -> tuple[int, int]:
    first, _, second = text.partition("/")
    if not (first.isdecimal() and second.isdecimal() and len(text) < 20):
        msg = f"--shard {text!r}, but should be k/n, such as 1/4"
        raise Failure(msg, 2)
    return int(first), int(second)


def _workers(jobs: int | None, decisions: int) -> int:
    """As many processes as this machine runs at a time, more only wait for one another; for a short run fewer.

    A process imports the frameworks again, which takes as long as some hundred decisions.
    """
    from varlaw.verify.environment import processors

    have = processors()
    if jobs is None:
        return max(1, min(have, decisions // DECISIONS_A_PROCESS))
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
def _opened(path: Path | None, folder: Path | None, heading: "Header") -> "Iterator[Ledger | None]":
    """What keeps the verdicts; a cache that another run uses is no reason to wait."""
    from varlaw.verify import cache, ledger

    with failing(2, ledger.LedgerError), failing(3, ledger.LedgerFull), ExitStack() as stack:
        book = cache.opened(folder, heading) if folder else ledger.opened(path, heading) if path else nullcontext()
        try:
            found = stack.enter_context(book)
        except ledger.LedgerInUse:
            if path:
                raise
            click.echo(f"another run keeps its verdicts in {folder}; those of this one are not kept", err=True)
            found = None
        yield found
