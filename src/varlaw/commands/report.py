"""`varlaw report RUN.json ... -o DIR`: the pages of one run, or of several side by side, from their records."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.verb import Verb

if TYPE_CHECKING:
    from varlaw.claims.verdict import Run
    from varlaw.reports.folklore import FolkText
    from varlaw.reports.lawbook import LawText
    from varlaw.reports.site import Library
    from varlaw.theory.law import Law

_RECORDS = click.Path(path_type=Path, readable=False)  # what cannot be read has one exit code, whatever the reason
USAGE, COULD_NOT_RUN, NOTHING_SELECTED = 2, 3, 5


@click.command(cls=Verb)
@click.argument("runs", nargs=-1, type=_RECORDS, metavar="[RUN.json ...]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write; it is created.")
@click.option("--baseline", "baselines", multiple=True, type=_RECORDS, metavar="BASELINE.json",
              help="Add pages of recorded defaults; given again, each is held against the one before.")  # fmt: skip
@click.option("--benchmarks", multiple=True, type=_RECORDS, metavar="BENCH.json",
              help="Add a page of what it costs; given twice, the last is held against the one before.")  # fmt: skip
@click.option("--interactive", is_flag=True, help="Add a page of charts that answer to the pointer (0.9 MB).")
@click.option("--json", "as_json", is_flag=True, help="Print what was written, and what changed between the runs.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def report(
    runs: tuple[Path, ...],
    output: Path,
    baselines: tuple[Path, ...],
    benchmarks: tuple[Path, ...],
    interactive: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Build a report from records of runs.

    Of one or more runs, or from benchmarks alone. Several runs are shown side by side, with what changed from each to
    the next. Everything works offline, from a file. Exit code 2 for a folder in use and for records that are no file,
    3 for records that cannot be read or a folder that cannot be written, 5 for runs without verdicts.
    """
    from dataclasses import replace

    from varlaw.commands.defaults import pages_of
    from varlaw.reports.benchmarks import read as read_benchmarks
    from varlaw.reports.files import NoFile, ReportError
    from varlaw.reports.ours import FolderInUse
    from varlaw.reports.site import write_benchmarks, write_site

    if not runs and not benchmarks:
        msg = "nothing to report: name a RUN.json as `varlaw verify --json` writes it, or --benchmarks BENCH.json"
        raise click.UsageError(msg)
    try:
        found = _worth_reporting(runs)
        measured = tuple(read_benchmarks(path) for path in benchmarks)
        if found:
            books = replace(library(), benchmarks=measured, defaults=pages_of(baselines))
            paths = write_site(found, output, library=books, pointer=interactive)
        else:
            paths = write_benchmarks(measured, output)
    except (FolderInUse, NoFile) as error:
        raise _Failure(str(error), USAGE) from error
    except ReportError as error:
        raise _Failure(str(error), COULD_NOT_RUN) from error
    if as_json:
        click.echo(_summary(found, paths))
    elif not quiet:
        click.echo(f"{len(paths)} files written, the first page is {paths[0]}")


class _Failure(click.ClickException):
    """One line on stderr and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it per class and reads it per instance


def _worth_reporting(paths: tuple[Path, ...]) -> "list[Run]":
    """The runs, none of which is empty or holds errors only: such records would only hide an older report."""
    from varlaw.claims.verdict import Outcome
    from varlaw.reports.schema import read
    from varlaw.reports.texts import plain

    found = [read(path) for path in paths]
    for path, run in zip(paths, found, strict=True):
        if not run.verdicts:
            msg = f"{path} holds no verdicts, so there is nothing to report"
            raise _Failure(msg, NOTHING_SELECTED)
        if all(v.outcome is Outcome.ERROR for v in run):
            first = " ".join(run.verdicts[0].detail.split()) or "no detail"
            msg = f"{path} holds errors only ({len(run.verdicts)}), the first: {plain(first)}"
            raise _Failure(msg, COULD_NOT_RUN)
    return found


def _summary(runs: "list[Run]", paths: list[Path]) -> str:
    import itertools
    import json

    from varlaw.reports.diff import as_records, compare

    changes = [as_records(compare(a, b)) for a, b in itertools.pairwise(runs)]
    return json.dumps({"files": [str(p) for p in paths], "changes": changes}, indent=2)


def library() -> "Library":
    """The texts of all laws and of the popular claims about them."""
    from varlaw.reports.site import Library

    return Library(laws=catalogue(), folklore=claims())


def claims() -> "tuple[FolkText, ...]":
    """What people say, with the number of the law that decides."""
    from varlaw.reports.folklore import FolkText
    from varlaw.theory.folklore import CLAIMS

    return tuple(
        FolkText(
            claim=row.claim,
            finding=row.finding.value,
            law=row.law,
            case=dict(row.params),
            popular=row.popular,
            number=row.number(),
            truth=row.truth,
        )
        for row in CLAIMS
    )


def catalogue() -> "dict[str, LawText]":
    """The texts of all laws, with each law's values along its first numeric parameter."""
    from varlaw.theory.catalogue import LAWS

    return {name: _text(law) for name, law in LAWS.items()}


def _text(law: "Law") -> "LawText":
    from varlaw.reports.lawbook import LawText
    from varlaw.theory.lookup import ALIASES

    notes = {"error": law.error, "precision": law.precision, "not to confuse with": law.not_to_confuse}
    notes["not measured"] = law.unmeasured
    parameter, fixed, curve = _curve(law)
    return LawText(
        name=law.name,
        title=law.title,
        quantity=law.quantity,
        formula=law.formula,
        kind=law.kind.value,
        domain=tuple((name, str(allowed)) for name, allowed in law.domain.ranges.items()),
        hypotheses=law.hypotheses,
        derivation=law.derivation,
        source=law.source,
        statistic=law.statistic,
        notes=tuple((k, v) for k, v in notes.items() if v),
        aliases=tuple(also for also, names in ALIASES.items() if law.name.startswith(names)),
        parameter=parameter,
        fixed=fixed,
        curve=curve,
    )


def _curve(law: "Law") -> "tuple[str, str, tuple[tuple[float, float], ...]]":
    """A parameter, the others' values in words, and the law along it; empty where it has no such parameter."""
    from varlaw.theory.domain import Interval

    ranges = law.domain.ranges.items()
    middle: dict[str, Any] = {k: "gelu" if allowed.accepts("gelu") else allowed.at(0.5) for k, allowed in ranges}
    for name, allowed in law.domain.ranges.items():
        if not isinstance(allowed, Interval):
            continue
        points = sorted(set(_values(law, middle, name, [allowed.at(k / 48) for k in range(49)])))
        if len(points) > 8 and len({y for _, y in points}) > 1:
            fixed = ", ".join(
                f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in middle.items() if k != name
            )
            return name, fixed, tuple(points)
    return "", "", ()


def _values(law: "Law", middle: dict[str, Any], name: str, xs: list[Any]) -> "list[tuple[float, float]]":
    """The finite values of a law along one parameter, the points outside a relation between parameters left out."""
    import numpy as np

    try:
        ys = np.broadcast_to(law.value(**{**middle, name: np.asarray(xs)}), len(xs)).tolist()
    except (ValueError, TypeError, ArithmeticError):
        ys = [_value(law, {**middle, name: x}) for x in xs]
    points = zip(map(float, xs), ys, strict=True)
    return [(x, y) for x, y in points if isinstance(y, (int, float)) and np.isfinite([x, y]).all()]


def _value(law: "Law", params: dict[str, Any]) -> Any:
    try:
        return law.value(**params)
    except (ValueError, TypeError, ArithmeticError):
        return None
