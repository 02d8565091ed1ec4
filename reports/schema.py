"""The record file: one JSON object per run, with a published schema, from which every report is rendered.

Guarantee: what `write` wrote, `read` reads back equal (but for numbers that are not finite, written as null, and
tuples within a case, read as lists), and every written file validates against `run.schema.json`. What cannot be read
is refused in one line that says why.
"""

import codecs
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from varlaw.reports.files import ReportError, read_record, write_whole
from varlaw.verify.verdict import SCHEMA, Run, Verdict

__all__ = ["ReportError", "json_schema", "read", "schema_text", "write"]

FAMILY, VERSION = SCHEMA.split("/")[0], int(SCHEMA.split("/")[1])
IDENTIFIER: Final = f"urn:{FAMILY.replace('.', ':')}:{VERSION}"

DEEPEST: Final = 20  # levels of a case

# For each version that is no longer written: how its objects become those of the next version.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def read(path: Path | str) -> Run:
    """The run recorded in a file.

    Raises `ReportError`, in one line, for a file that is missing, empty, truncated, not JSON, of another program, of a
    later version, or not of the schema it names.
    """
    return decode(read_record(Path(path)), where=str(path))


def decode(data: bytes, *, where: str) -> Run:
    """The run recorded in some JSON text; `where` names it in errors."""
    if not data.strip():
        msg = f"{where} is empty, but should be a {SCHEMA} record"
        raise ReportError(msg)
    try:
        found = msgspec.json.decode(data.removeprefix(codecs.BOM_UTF8))  # some editors on Windows put it there
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "truncated" if "truncated" in str(error) else "not JSON"
        msg = f"{where} is {reason}, but should be a {SCHEMA} record: {error}"
        raise ReportError(msg) from error
    try:
        run = msgspec.convert(_upgraded(found, where), Run)
        for k, verdict in enumerate(run.verdicts):
            _check(verdict, k)
    except ValueError as error:
        if isinstance(error, ReportError):
            raise
        msg = f"{where} does not follow {SCHEMA}: {error}"
        raise ReportError(msg) from error
    return run


def _check(verdict: Verdict, place: int) -> None:
    """What the types do not say of a verdict; `ValueError` as msgspec words it."""
    low, high = verdict.interval or (None, None)
    if low is not None and high is not None and low > high:
        msg = f"Expected an interval that begins below its end, got [{low}, {high}] - at `$.verdicts[{place}].interval`"
        raise ValueError(msg)
    level: list[Any] = [verdict.case]
    for _ in range(DEEPEST):
        level = [inner for value in level if isinstance(value, (dict, list)) for inner in _inside(value)]
    if level:
        msg = f"Expected a case of at most {DEEPEST} levels - at `$.verdicts[{place}].case`"
        raise ValueError(msg)


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _upgraded(found: Any, where: str) -> dict[str, Any]:
    """`found` as an object of the present version."""
    named = found.get("schema") if isinstance(found, dict) else None
    family, _, version = named.partition("/") if isinstance(named, str) else ("", "", "")
    if not isinstance(found, dict) or family != FAMILY or not version.isdecimal():
        got = f"schema {named!r}" if isinstance(named, str) else "no schema of ours"
        msg = f"{where} has {got[:80]}, but should be a {SCHEMA} record as `varlaw verify --json` writes it"
        raise ReportError(msg)
    if int(version) > VERSION:
        msg = f"{where} has schema {named!r}, newer than the {SCHEMA!r} known here: update varlaw to read it"
        raise ReportError(msg)
    for old in range(int(version), VERSION):
        if old not in UPGRADES:
            msg = f"{where} has schema {named!r}, which no varlaw has written"
            raise ReportError(msg)
        found = UPGRADES[old](found)
    return {**found, "schema": SCHEMA}


def encode(run: Run) -> bytes:
    """A run as JSON text: one verdict a line, so that two runs can be compared with ordinary tools.

    Raises `ReportError` when a number that the schema requires is not finite.
    """
    body = b",\n".join(map(_encoded, run.verdicts))
    data = b'{"schema":%b,\n"run":%b,\n"verdicts":[\n%b\n]}\n' % (_encoded(run.schema), _encoded(run.run), body)
    decode(data, where="the run, not written,")
    return data


def settled(run: Run) -> Run:
    """A run as its record file gives it back: numbers that are not finite are None, cases are plain data."""
    return decode(encode(run), where="the run")


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_plain_value)
    except UnicodeEncodeError:  # a lone surrogate in a text from outside
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value, enc_hook=_plain_value)))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(v) for v in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _plain_value(value: Any) -> Any:
    """Values of a case that JSON has no word for: NumPy scalars and arrays as numbers, the rest as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def write(run: Run, path: Path | str) -> None:
    """Write a run to a file, whole or not at all.

    Raises `ReportError`, in one line, when the folder refuses or a number that the schema requires is not finite.
    """
    write_whole(Path(path), encode(run))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the record file."""
    (_,), definitions = msgspec.json.schema_components((Run,), ref_template="#/$defs/{name}")
    top = definitions.pop("Run")
    top["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": IDENTIFIER,
        "$comment": "Generated from varlaw.verify.verdict by varlaw.reports.schema.schema_text; do not edit.",
        **top,
        "title": "varlaw run",
        "description": "One run of `varlaw verify`: its circumstances, the risk it took, and its verdicts.",
        "required": ["schema", "run", "verdicts"],
        "$defs": definitions,
    }


def schema_text() -> str:
    """The text of `run.schema.json`, byte for byte."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
