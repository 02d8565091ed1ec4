"""`varlaw identify`: which law each tensor follows, inferred from its draws alone."""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.arguments import case_of
from varlaw.commands.failure import Failure, failing, usage
from varlaw.commands.verb import Verb

if TYPE_CHECKING:
    from rich.console import Console

    from varlaw.identify.records import Identified


# Shapes of other ranks than matrices and kernels of two sides, which are asked when a rank is named.
_OTHERS = ((64,), (300,), (17,), (20, 30, 5), (48, 12, 3), (9, 70, 7), (8, 6, 3, 3, 3), (16, 5, 2, 2, 2))


@click.command(cls=Verb)
@click.argument("targets", nargs=-1, required=True, metavar="SUBJECT...")
@click.option("--salt", default=None, help="Names the draws: another salt, fresh draws. [default: this release's]")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write what was found as one JSON object.")
@click.option("--shape", "shapes", multiple=True, metavar="64,48", help="A shape in which your function is asked.")
@click.option("--rank", "ranks", multiple=True, type=click.IntRange(1, 8), help="Only shapes of so many axes.")
@click.option("--case", "cases", multiple=True, metavar="NAME=VALUE,...", help="Arguments of your module or factory.")
@click.option("-v", "--verbose", is_flag=True, help="Also other spellings of each law, and the scale of each case.")
@click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
def identify(
    targets: tuple[str, ...],
    salt: str | None,
    json_file: Path | None,
    shapes: tuple[str, ...],
    ranks: tuple[int, ...],
    cases: tuple[str, ...],
    verbose: bool,
    no_color: bool,
) -> int:
    """Name the law that each tensor follows.

    From its draws alone.

    SUBJECT is a glob over subject names, such as 'torch.nn.LSTM' or 'torch.nn.init.*', your own function from
    (shape, seed) to an array, as module:function, or your own module, as module:Class or module:factory, of which every
    parameter has a row. What fits no law is reported as unknown, with what was measured.
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
    own = {"shapes": _shapes(shapes, ranks), "cases": list(map(case_of, cases))}
    found = list(_shown(_found(targets, salt, stderr, own), screen, salt, verbose))
    if json_file:
        with failing(3, ReportError):
            write_whole(json_file, readings.as_json(found, salt))
    return 3 if any(one.error for one in found) else 0


def _shown(found: "Iterator[Identified]", screen: "Console", salt: str, verbose: bool) -> "Iterator[Identified]":
    """Each law as soon as it is there."""
    from varlaw.commands import readings
    from varlaw.commands.screen import write

    first = True
    for one in found:
        for line in readings.lines(one, verbose=verbose, heading=salt if first else None):
            write(screen, line)
        first = False
        yield one


def _shapes(texts: tuple[str, ...], ranks: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes in which a function is asked: those that are given, or the usual ones of these ranks."""
    from varlaw.identify.specimens import SHAPES

    given = [tuple(int(n) for n in text.split(",")) if re.fullmatch(r"\d+(,\d+)*", text) else () for text in texts]
    if not all(given) or any(0 in shape for shape in given):
        msg = f"--shape {' '.join(texts)!r}, but should be sides >= 1, such as 64,48"
        raise Failure(msg, 2)
    usual = [*SHAPES, *_OTHERS] if ranks else SHAPES
    found = [shape for shape in given or usual if not ranks or len(shape) in ranks]
    if not found:
        msg = f"no shape of rank {' or '.join(map(str, ranks))} is given"
        raise Failure(msg, 2)
    return found


def _found(targets: tuple[str, ...], salt: str, stderr: "Console", own: dict[str, Any]) -> "Iterator[Identified]":
    from varlaw.identify import of_function, of_subject
    from varlaw.identify.records import failed
    from varlaw.identify.wholes import of_module
    from varlaw.subjects.builders.layers import layer
    from varlaw.subjects.subject import Model, Sampler
    from varlaw.subjects.targets import CannotRun, NothingSelected, runnable

    functions = {t: f for t in targets if ":" in t and callable(f := _function(t))}
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
            if _of_shape(function):
                yield of_function(function, target, salt, own["shapes"])
            else:
                yield from of_module(layer(target, function, {"*": "unknown"}, cases=own["cases"] or [{}]), salt)
        except (Exception, SystemExit) as error:
            yield failed(target, "yours", "", error)


def _of_shape(function: Any) -> bool:
    """Whether it is a function of a shape and a seed; else it makes a module."""
    try:
        asked = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return not isinstance(function, type)
    names = [p.name for p in asked]
    return "shape" in names or (not isinstance(function, type) and names[1:2] == ["seed"] and len(names) == 2)


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
