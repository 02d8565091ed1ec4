"""`varlaw laws list|show|eval|folklore`: the catalogue of laws in the terminal.

Numbers go to stdout, errors to stderr in one line with exit code 2. `--json` prints one valid JSON document.
"""

import difflib
import io
import itertools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import failing, usage
from varlaw.commands.verb import Verbs

if TYPE_CHECKING:
    from rich.console import Console

    from varlaw.theory.law import Law

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
LEAST = 100  # columns of a table: on a narrower terminal its lines wrap, and no column is lost
_PLAIN = click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
_OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout.")


class LawError(click.ClickException):
    """A law that does not exist, or a case outside its domain: one line, exit code 2."""

    exit_code = 2


@click.group(cls=Verbs)
def laws() -> None:
    """Look laws up, see them, and evaluate them to 17 digits.

    \b
    varlaw laws list
    varlaw laws show clip.probability n=1000
    varlaw laws eval activation.second_moment activation=gelu q=1e-3,1,9
    varlaw laws folklore
    """


@laws.command("list")
@_JSON
@_OUTPUT
@_PLAIN
def list_laws(as_json: bool, output: Path | None, no_color: bool) -> None:
    """All laws, by group: name, quantity and how exactly each holds."""
    from varlaw.theory.catalogue import LAWS

    if as_json:
        _write(json.dumps([_record(law) for law in LAWS.values()], indent=2), output)
    else:
        _print([_table_of(list(LAWS.values()))], output, no_color)


@laws.command()
@click.argument("name")
@click.argument("case", nargs=-1, metavar="[KEY=VALUE ...]")
@_JSON
@_OUTPUT
@_PLAIN
def show(name: str, case: tuple[str, ...], as_json: bool, output: Path | None, no_color: bool) -> None:
    """One law whole: statement, formula, hypotheses, derivation, source, and its picture.

    KEY=VALUE fixes a parameter of the picture, which runs along the first numeric one left.
    """
    from varlaw.commands.law_plot import in_ascii, plot, sweep

    law, given = _find(name), _parse(case)
    _known(law, given)
    found = sweep(law, given)
    if as_json:
        _write(json.dumps({**_record(law), "sweep": _sweep_record(found)}, indent=2), output)
        return
    blocks = output is not None or _console(no_color).encoding.startswith("utf")
    picture = [] if found is None else [f"\n{plot(found) if blocks else in_ascii(plot(found))}"]
    _print([_statement(law), *picture], output, no_color)


@laws.command("eval")
@click.argument("name")
@click.argument("case", nargs=-1, metavar="[KEY=VALUE ...]")
@_JSON
def evaluate(name: str, case: tuple[str, ...], as_json: bool) -> None:
    """The number, to 17 significant digits; `key=1,2,3` evaluates arrays, one number a line."""
    import numpy as np

    law, params = _find(name), _parse(case)
    try:
        value = law.value(**params)
    except (ValueError, TypeError) as error:
        raise LawError(" ".join(str(error).split())) from error
    if as_json:
        numbers = [_finite(v) for v in np.ravel(value).tolist()]
        found = numbers if np.ndim(value) else numbers[0]
        shown = {key: _plain(given) for key, given in params.items()}
        click.echo(json.dumps({"law": law.name, "params": shown, "value": found, "kind": law.kind.value}))
    else:
        click.echo("\n".join(f"{v:.17g}" for v in np.ravel(value).tolist()))


@laws.command()
@_JSON
@_OUTPUT
@_PLAIN
def folklore(as_json: bool, output: Path | None, no_color: bool) -> None:
    """What people say, what is true, the law that decides and the number that shows it."""
    from varlaw.theory.folklore import CLAIMS

    if as_json:
        rows = [
            {
                "claim": c.claim,
                "finding": c.finding.value,
                "truth": c.truth,
                "law": c.law,
                "params": dict(c.params),
                "number": c.number(),
                "popular": c.popular,
            }
            for c in CLAIMS
        ]
        _write(json.dumps(rows, indent=2), output)
    else:
        _print([_folklore_table()], output, no_color)


@laws.command("search")
@click.argument("words", nargs=-1, required=True)
@_JSON
@_OUTPUT
@_PLAIN
def search_laws(words: tuple[str, ...], as_json: bool, output: Path | None, no_color: bool) -> None:
    """Find laws by WORDS: names, titles, other names (Xavier, Kaiming, edge of chaos), sources, and folklore."""
    from varlaw.commands.failure import Failure
    from varlaw.theory.lookup import search

    found = search(" ".join(words))
    if not found:
        msg = f"no law speaks of {' '.join(words)!r}"
        raise Failure(msg, 5)
    if as_json:
        _write(
            json.dumps([{"law": h.law.name, "title": h.law.title, "found_in": h.found_in} for h in found], indent=2),
            output,
        )
        return
    width = max(len(hit.law.name) for hit in found)
    _print([f"{hit.law.name:{width}}  {hit.law.title} ({hit.found_in})" for hit in found], output, no_color)


def _find(name: str) -> "Law":
    from varlaw.theory.catalogue import LAWS

    if name in LAWS:
        return LAWS[name]
    near = difflib.get_close_matches(name, LAWS, n=3, cutoff=0.5) or [n for n in LAWS if name in n][:3]
    hint = f"; did you mean {', '.join(near)}?" if near else "; see varlaw laws list"
    msg = f"no law is called {name!r}{hint}"
    raise LawError(msg)


def _parse(case: tuple[str, ...]) -> dict[str, Any]:
    """`key=value` words as parameters: numbers where they read as numbers, lists where there are commas."""
    params: dict[str, Any] = {}
    for word in case:
        key, equals, text = word.partition("=")
        if not equals or not key or not text:
            msg = f"{word!r}, but should be key=value [laws]"
            raise LawError(msg)
        if key in params:
            msg = f"{key}= is given twice [laws]"
            raise LawError(msg)
        parts = [_number(part) for part in text.split(",")]
        params[key] = parts if len(parts) > 1 else parts[0]
    return params


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _known(law: "Law", given: dict[str, Any]) -> None:
    for key, value in given.items():
        allowed = law.domain.ranges.get(key)
        if allowed is None:
            msg = f"{key}=, but should be one of the parameters {', '.join(law.domain.ranges) or '(none)'} [{law.name}]"
            raise LawError(msg)
        if not allowed.accepts(value):
            msg = f"{key}={value!r}, but should be {allowed} [{law.name}]"
            raise LawError(msg)


def _finite(value: float) -> float | str:
    """JSON has no infinity: it is written as the word."""
    return value if isinstance(value, int) or math.isfinite(value) else str(value)


def _plain(given: Any) -> Any:
    if isinstance(given, list):
        return [_plain(v) for v in given]
    return given if isinstance(given, str) else _finite(given)


def _record(law: "Law") -> dict[str, Any]:
    return {
        "name": law.name,
        "title": law.title,
        "quantity": law.quantity,
        "formula": law.formula,
        "kind": law.kind.value,
        "error": law.error,
        "parameters": {name: str(allowed) for name, allowed in law.domain.ranges.items()},
        "relations": [relation.text for relation in law.domain.relations],
        "hypotheses": list(law.hypotheses),
        "derivation": law.derivation,
        "source": law.source,
        "statistic": law.statistic,
        "precision": law.precision,
        "not_to_confuse": law.not_to_confuse,
        "unmeasured": law.unmeasured,
    }


def _sweep_record(found: Any) -> Any:
    if found is None:
        return None
    return {
        "parameter": found.name,
        "x": found.xs,
        "y": [_finite(y) for y in found.ys],
        "fixed": {k: _plain(v) for k, v in found.fixed.items()},
    }


def _statement(law: "Law") -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    rows = {
        "holds": law.kind.value + (f", error {law.error}" if law.error else ""),
        "states": law.quantity,
        "formula": law.formula,
        "not": law.not_to_confuse,
        "assumes": "; ".join(law.hypotheses),
        "domain": "; ".join(f"{name}: {allowed}" for name, allowed in law.domain.ranges.items()),
        "and": "; ".join(relation.text for relation in law.domain.relations),
        "because": law.derivation,
        "seen in": law.statistic,
        "not measured": law.unmeasured,
        "digits": law.precision,
        "source": law.source,
    }
    for word, text in rows.items():
        if text:
            grid.add_row(f"  {word}", Text(text))
    return Group(Text.assemble((law.name, "bold cyan"), "  ", (law.title, "bold")), grid)


def _table_of(found: "list[Law]") -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("law", no_wrap=True)  # names stay whole, so that they can be copied
    for column in ("quantity", "holds"):
        table.add_column(column, overflow="fold")
    for group, members in itertools.groupby(found, key=lambda law: law.name.partition(".")[0]):
        table.add_row(Text(group, style="bold cyan"))
        for law in members:
            table.add_row(Text(f"  {law.name}"), Text(law.quantity), Text(law.kind.value, style="dim"))
    return table


_STYLES = {"confirmed": "green", "corrected": "yellow", "refuted": "red"}


def _folklore_table() -> Any:
    from rich.table import Table
    from rich.text import Text

    from varlaw.theory.folklore import CLAIMS

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, ratio in (("what people say", 3), ("finding", None), ("number", None), ("law, and what is true", 4)):
        table.add_column(column, overflow="fold", ratio=ratio)
    for c in CLAIMS:
        case = ", ".join(f"{k}={v}" for k, v in c.params.items())
        said = f"{c.number():.6g}" + ("" if c.popular is None else f"\nnot {c.popular:.6g}")
        said = said if c.finding.value != "confirmed" else f"{c.number():.6g}"
        word = Text(c.finding.value, style=_STYLES[c.finding.value])
        table.add_row(Text(c.claim), word, Text(said), Text(f"{c.law} ({case})\n{c.truth}\n"))
    return table


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text)
        return
    from varlaw.reports.files import ReportError, probe_file, write_whole

    with usage():
        probe_file(output)
    with failing(3, ReportError):
        write_whole(output, f"{text}\n".encode())


def _print(parts: list[Any], output: Path | None, no_color: bool) -> None:
    """Render to stdout, or without colour and at 100 columns to a file."""
    if output is None:
        screen = _console(no_color)
        for part in parts:
            screen.print(part, soft_wrap=isinstance(part, str))
        return
    from rich.console import Console

    page = io.StringIO()
    for part in parts:
        Console(file=page, width=100, no_color=True, highlight=False).print(part)
    _write(page.getvalue().removesuffix("\n"), output)


def _console(no_color: bool) -> "Console":
    from varlaw.commands.screen import console

    return console(no_color=no_color, least=LEAST)
