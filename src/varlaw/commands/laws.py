"""`varlaw laws list|show|eval|folklore`: the catalogue of laws in the terminal.

Numbers go to stdout, errors to stderr in one line with exit code 2. `--json` prints one valid JSON document.
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import failing, usage
from varlaw.commands.verb import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.text import Text

    from varlaw.reports.folklore import FolkText
    from varlaw.theory.law import Law

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_PLAIN = click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
_OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout.")


_AXIS = 12  # columns to the left of a picture


class LawError(click.ClickException):
    """A law that does not exist, or a case outside its domain: one line, exit code 2."""

    exit_code = 2


@click.group(cls=Verbs)
def laws() -> None:
    """Look laws up, and evaluate them.

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
    from varlaw.reports.law_text import listed
    from varlaw.theory.catalogue import LAWS

    if as_json:
        _write(json.dumps([_record(law) for law in LAWS.values()], indent=2), output)
    else:
        _print(lambda width: listed(list(LAWS.values()), width), output, no_color)


@laws.command()
@click.argument("name")
@click.argument("case", nargs=-1, metavar="[KEY=VALUE ...]")
@_JSON
@_OUTPUT
@_PLAIN
def show(name: str, case: tuple[str, ...], as_json: bool, output: Path | None, no_color: bool) -> None:
    """One law whole: statement, formula, hypotheses, derivation, source, and its picture.

    KEY=VALUE fixes a parameter of the picture, which runs along the first numeric one left. Of a family, or of another
    name for several laws (clip, xavier), the laws are listed.
    """
    from rich.text import Text

    from varlaw.commands.screen import console
    from varlaw.reports.law_picture import WIDTH, in_ascii, plot, sweep
    from varlaw.reports.law_text import hits, stated
    from varlaw.theory.lookup import called

    if not (case or as_json) and (several := called(name)):
        _print(lambda width: hits([(hit.law, hit.found_in) for hit in several], width), output, no_color)
        return
    law, given = _find(name), _parse(case)
    _known(law, given)
    room = WIDTH if as_json or output else console().width - _AXIS
    found = sweep(law, given, max(min(WIDTH, room), WIDTH // 3))
    if as_json:
        _write(json.dumps({**_record(law), "sweep": _sweep_record(found)}, indent=2), output)
        return
    blocks = output is not None or console(no_color=no_color).encoding.startswith("utf")
    picture = [] if found is None else ["", *(plot(found) if blocks else in_ascii(plot(found))).splitlines()]
    _print(lambda width: [*stated(law, width), *map(Text, picture)], output, no_color)


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
@click.argument("words", nargs=-1)
@_JSON
@_OUTPUT
@_PLAIN
def folklore(words: tuple[str, ...], as_json: bool, output: Path | None, no_color: bool) -> None:
    """What people say, what is true, the law that decides and the number that shows it; of WORDS, or of everything."""
    from varlaw.reports.law_text import told

    found = _told(words)
    if as_json:
        rows = [
            {
                "claim": c.claim,
                "finding": c.finding,
                "truth": c.truth,
                "law": c.law,
                "params": c.case,
                "number": c.number,
                "popular": c.popular,
            }
            for c in found
        ]
        _write(json.dumps(rows, indent=2), output)
    else:
        _print(lambda width: told(found, width), output, no_color)


@laws.command("search")
@click.argument("words", nargs=-1, required=True)
@_JSON
@_OUTPUT
@_PLAIN
def search_laws(words: tuple[str, ...], as_json: bool, output: Path | None, no_color: bool) -> None:
    """Find laws by WORDS: names, titles, other names (Xavier, Kaiming, edge of chaos), sources, and folklore."""
    from varlaw.commands.failure import Failure
    from varlaw.reports.law_text import hits
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
    _print(lambda width: hits([(hit.law, hit.found_in) for hit in found], width), output, no_color)


def _told(words: tuple[str, ...]) -> "list[FolkText]":
    """What people say that holds all of these words, in what is claimed, in the truth or in the law's name."""
    from varlaw.commands.failure import Failure
    from varlaw.commands.report import claims

    found = [c for c in claims() if all(w.lower() in f"{c.claim} {c.truth} {c.law}".lower() for w in words)]
    if not found:
        msg = f"no folklore speaks of {' '.join(words)!r}"
        raise Failure(msg, 5)
    return found


def _find(name: str) -> "Law":
    from varlaw.theory.catalogue import LAWS
    from varlaw.theory.lookup import closest

    if name in LAWS:
        return LAWS[name]
    near = closest(name)
    hint = f"did you mean {', '.join(near)}?" if near else "see varlaw laws list"
    msg = f"no law is called {name!r}; {hint}"
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


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text)
        return
    from varlaw.reports.files import ReportError, probe_file, write_whole

    with usage():
        probe_file(output)
    with failing(3, ReportError):
        write_whole(output, f"{text}\n".encode())


def _print(made: "Callable[[int], Iterable[Text]]", output: Path | None, no_color: bool) -> None:
    """The lines for the width of the terminal; to a file without colour, at 100 columns."""
    from varlaw.commands.screen import lines

    if output is None:
        lines(made, no_color=no_color)
    else:
        _write("\n".join(line.plain.rstrip() for line in made(100)), output)
