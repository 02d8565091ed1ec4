"""What a person sees while `varlaw verify` decides: progress, what violates as it is found, and what is kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from varlaw import stopping
from varlaw.commands.failure import Failure

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rich.console import Console

    from varlaw.claims.verdict import Run, Verdict
    from varlaw.verify.ledger import Ledger
    from varlaw.verify.plan import Plan

EVERY = 10.0  # seconds between two lines where nobody looks at a terminal
NAME = 40  # characters of the bar's text


def execute(
    agreed: "Plan", stderr: "Console", quiet: int, ledger: "Ledger | None", executor: "Executor | None"
) -> "Run":
    """Decide, with progress on stderr, and say what is kept when it ends before its time."""
    from varlaw.subjects.targets import CannotRun
    from varlaw.verify import run

    if ledger:
        stderr.print(_state(agreed, ledger), soft_wrap=True)
    try:
        with _progress(agreed, stderr, quiet) as progress:
            return run.execute(agreed, progress, ledger=ledger, executor=executor)
    except CannotRun as error:
        msg = f"could not run: {error}{_resumption(agreed, ledger)}"
        raise Failure(msg, 3) from error
    except KeyboardInterrupt as error:
        if not ledger:
            raise
        msg = f"{stopping.word(error)}{_resumption(agreed, ledger)}"
        raise Failure(msg, stopping.code(error)) from error


@contextmanager
def _progress(agreed: "Plan", stderr: "Console", quiet: int) -> "Iterator[Callable[[Verdict], None]]":
    """A bar of fixed widths on a terminal, else a line from time to time; a line for each violation as it is found."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from varlaw.reports.texts import plain
    from varlaw.reports.wording import evidence

    columns = (BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    total, start = len(agreed.tasks), time.monotonic()
    done, bad, told = 0, 0, start
    hidden = bool(quiet) or not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=total)

        def progress(verdict: "Verdict") -> None:
            nonlocal done, bad, told
            done += 1
            bar.update(task, advance=1, description=f"{verdict.claim} {verdict.subject}"[:NAME])
            if verdict.state in ("VIOLATES", "error"):
                bad += 1
                if not quiet and stderr.is_terminal:
                    found = f"{verdict.state} {plain(verdict.subject)} {verdict.claim} {evidence(verdict)}".rstrip()
                    stderr.print(found, soft_wrap=True)
            now = time.monotonic()
            if not quiet and not stderr.is_terminal and now - told >= EVERY:
                told = now
                stderr.print(f"{done:,} of {total:,} decided, {bad:,} not as they should be, {now - start:.0f} s")

        yield progress


def _state(agreed: "Plan", ledger: "Ledger") -> str:
    from varlaw.verify import run

    torn = "; its last line was half written and was dropped" if ledger.torn else ""
    return f"ledger: {ledger.path} holds {len(run.kept(agreed, ledger))} of {len(agreed.tasks)} verdicts{torn}"


def _resumption(agreed: "Plan", ledger: "Ledger | None") -> str:
    from varlaw.verify import run

    if not ledger:
        return ""
    done = len(run.kept(agreed, ledger))
    return f" after {done} of {len(agreed.tasks)} verdicts; the same command resumes from {ledger.path}"
