"""`varlaw identify`: which law each tensor follows, inferred from its draws alone."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure, failing, usage
from varlaw.commands.verb import Verb

if TYPE_CHECKING:
    from rich.console import Console

    from varlaw.identify.records import Identified


@click.command(cls=Verb)
@click.argument("targets", nargs=-1, required=True, metavar="SUBJECT...")
@click.option("--salt", default=None, help="Names the draws: another salt, fresh draws. [default: this release's]")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write what was found as one JSON object.")
@click.option("-v", "--verbose", is_flag=True, help="Also other spellings of each law, and the scale of each case.")
@click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
def identify(targets: tuple[str, ...], salt: str | None, json_file: Path | None, verbose: bool, no_color: bool) -> int:
    """Say which law each tensor of a subject follows, from its draws alone.

    SUBJECT is a glob over subject names, such as 'torch.nn.LSTM' or 'torch.nn.init.*', or your own function from
    (shape, seed) to an array, as module:function. What fits no law is reported as unknown, with what was measured.
    """
    from varlaw.commands import readings
    from varlaw.commands.screen import console
    from varlaw.evidence.streams import SALT, check_salt
    from varlaw.reports.files import ReportError, probe_file, to_stdout, write_whole

    salt = SALT if salt is None else salt
    with usage():
        check_salt(salt)
        if json_file:
            probe_file(json_file)
    stderr = console(no_color=no_color, stderr=True)
    screen = stderr if to_stdout(json_file) else console(no_color=no_color)
    found = list(_shown(_found(targets, salt, stderr), screen, salt, verbose))
    if json_file:
        with failing(3, ReportError):
            write_whole(json_file, readings.as_json(found, salt))
    return 3 if any(one.error for one in found) else 0


def _shown(found: "Iterator[Identified]", screen: "Console", salt: str, verbose: bool) -> "Iterator[Identified]":
    """Each law as soon as it is there."""
    from varlaw.commands import readings

    first = True
    for one in found:
        for line in readings.lines(one, verbose=verbose, heading=salt if first else None):
            screen.print(line, soft_wrap=True)
        first = False
        yield one


def _found(targets: tuple[str, ...], salt: str, stderr: "Console") -> "Iterator[Identified]":
    from varlaw.identify import of_function, of_subject
    from varlaw.identify.records import failed
    from varlaw.subjects.subject import Model, Sampler
    from varlaw.subjects.targets import CannotRun, NothingSelected, runnable

    functions = {t: _function(t) for t in targets if ":" in t}
    try:
        names = [t for t in targets if t not in functions]
        subjects, absent = runnable(names, (Sampler, Model)) if names else ([], [])
    except NothingSelected as error:
        raise Failure(str(error), 5) from error
    except CannotRun as error:
        msg = f"could not run: {error}"
        raise Failure(msg, 3) from error
    for absence in absent:
        stderr.print(f"not run: {absence.reason}", markup=False, soft_wrap=True)
    for subject in subjects:
        try:
            yield from of_subject(subject, salt)
        except Exception as error:  # whatever a framework raises is its own record, and the others still run
            yield failed(subject.name, subject.framework.name, subject.framework.version(), error)
    for target, function in functions.items():
        try:
            yield of_function(function, target, salt)
        except (Exception, SystemExit) as error:
            yield failed(target, "yours", "", error)


def _function(target: str) -> Any:
    """The function that module:function names; the module is looked for in the current folder first."""
    module, _, name = target.partition(":")
    sys.path.insert(0, "")
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # whatever the user's module does when it is imported
        kind = "" if isinstance(error, (ImportError, AttributeError)) else f"{type(error).__name__}: "
        msg = f"{target!r} is no function that can be imported: {kind}{error}"
        raise Failure(msg, 2) from error
    finally:
        sys.path.remove("")
