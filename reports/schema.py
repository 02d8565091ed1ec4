"""The record file: one JSON object per run, with a published schema, from which every report is rendered.

Guarantee: what `write` wrote, `read` reads back equal (but for numbers that are not finite, written as null, and
tuples within a case, read as lists), and every written file validates against `run.schema.json`. What cannot be read
is refused in one line that says why.
"""

import codecs
import contextlib
import hashlib
import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from varlaw.claims.verdict import SCHEMA, Run, Verdict
from varlaw.reports.files import ReportError, read_record, refuse_no_file, write_whole
from varlaw.reports.records import Records, held, in_file
from varlaw.reports.scanner import Damaged, Scanner

__all__ = ["ReportError", "json_schema", "read", "schema_text", "write"]

FAMILY, VERSION = SCHEMA.split("/")[0], int(SCHEMA.split("/")[1])
IDENTIFIER: Final = f"urn:{FAMILY.replace('.', ':')}:{VERSION}"

LONG: Final = 1 << 26  # bytes of a file from which on its verdicts stay there until they are asked for
DEEPEST: Final = 20  # levels of a case

# For each version that is no longer written: how its objects become those of the next version.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def read(path: Path | str) -> Run:
    """The run recorded in a file.

    Raises `ReportError`, in one line, for a file that is missing, empty, truncated, not JSON, of another program, of a
    later version, or not of the schema it names.
    """
    path = Path(path)
    refuse_no_file(path)
    if path.exists() and path.stat().st_size > LONG and (run := _read_long(path)):
        return run
    return decode(read_record(path), where=str(path))


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
    whole = _upgraded(found, where)
    verdicts = whole.get("verdicts")
    if not isinstance(verdicts, list):
        return _converted(whole, where)
    run = _converted({**whole, "verdicts": []}, where)
    return msgspec.structs.replace(run, verdicts=held([_verdict(v, k, where) for k, v in enumerate(verdicts)]))


def _read_long(path: Path) -> Run | None:
    """The run in a long file, its verdicts left there; None for an older version, which is upgraded as a whole."""
    with contextlib.ExitStack() as closing:
        file = closing.enter_context(path.open("rb"))
        members, starts, sizes = _scanned(file, str(path))
        run = _converted(_upgraded(members, str(path)), str(path))
        if members["schema"] != SCHEMA:
            return None
        closing.pop_all()  # the verdicts close it
        return msgspec.structs.replace(run, verdicts=in_file(file, starts, sizes))


def _scanned(file: BinaryIO, where: str) -> "tuple[dict[str, Any], array[int], array[int]]":
    """The members of a record but its verdicts, each of which is checked, and the places of those."""
    members: dict[str, Any] = {}
    starts, sizes = array("Q"), array("Q")
    try:
        for name, value, start, size in _members(Scanner(file)):
            if name is None:
                _verdict(value, len(starts), where)
                starts.append(start)
                sizes.append(size)
            else:
                members[name] = value
    except (Damaged, UnicodeDecodeError, RecursionError) as error:
        reason = "truncated" if isinstance(error, Damaged) and error.cut else "not JSON"
        msg = f"{where} is {reason}, but should be a {SCHEMA} record: {error}"
        raise ReportError(msg) from error
    return members, starts, sizes


def _members(text: Scanner) -> Iterator[tuple[str | None, Any, int, int]]:
    """The members of the object by name, and the verdicts, without a name, one by one."""
    text.skip("{")
    while text.next() != "}":
        name, *_ = text.value()
        text.skip(":")
        if name != "verdicts" or text.next() != "[":
            yield name, *text.value()
        else:
            yield name, [], 0, 0
            text.skip("[")
            while text.next() != "]":
                yield None, *text.value()
                if text.next() != "]":
                    text.skip(",]")
            text.skip("]")
        if text.next() != "}":
            text.skip(",}")
    text.skip("}")
    if text.next():
        msg = "something follows the object"
        raise Damaged(msg, cut=False)


def _converted(found: dict[str, Any], where: str) -> Run:
    try:
        return msgspec.convert(found, Run)
    except msgspec.ValidationError as error:
        msg = f"{where} does not follow {SCHEMA}: {error}"
        raise ReportError(msg) from error


def _verdict(found: Any, place: int, where: str) -> Verdict:
    try:
        verdict = msgspec.convert(found, Verdict)
        _check(verdict, place)
    except ValueError as error:
        text = re.sub(r"at `\$(?!\.verdicts)", f"at `$.verdicts[{place}]", str(error))
        text = text if "at `$" in text else f"{text} - at `$.verdicts[{place}]`"
        msg = f"{where} does not follow {SCHEMA}: {text}"
        raise ReportError(msg) from error
    return verdict


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
    return b"".join(lines(as_recorded(run)))


def lines(run: Run) -> Iterator[bytes]:
    """The text of a settled run, line by line."""
    yield b'{"schema":%b,\n"run":%b,\n"verdicts":[\n' % (_encoded(run.schema), _encoded(run.run))
    for k, verdict in enumerate(run.verdicts):
        yield (b",\n" if k else b"") + _encoded(verdict)
    yield b"\n]}\n"


def mark(run: Run) -> str:
    """A mark of settled records, the same for equal ones, however they are spelt and however long they took."""
    timeless = msgspec.structs.replace(run, run=msgspec.structs.replace(run.run, wall_time=0.0))
    found = hashlib.blake2b(digest_size=16, person=b"varlaw.records")
    for line in lines(timeless):
        found.update(line)
    return found.hexdigest()


def as_recorded(run: Run) -> Run:
    """A run as its record file gives it back: numbers that are not finite are None, cases are plain data.

    It is done once: what is settled is returned as it is.
    """
    if isinstance(run.verdicts, Records):
        return run
    where = "the run, not written,"
    verdicts = [_verdict(msgspec.json.decode(_encoded(v)), k, where) for k, v in enumerate(run.verdicts)]
    info = msgspec.json.decode(_encoded(run.run))
    bare = _converted({"schema": run.schema, "run": info, "verdicts": []}, where)
    return msgspec.structs.replace(bare, verdicts=held(verdicts))


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
    write_whole(Path(path), lines(as_recorded(run)))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the record file."""
    (_,), definitions = msgspec.json.schema_components((Run,), ref_template="#/$defs/{name}")
    top = definitions.pop("Run")
    top["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": IDENTIFIER,
        "$comment": "Generated from varlaw.claims.verdict by varlaw.reports.schema.schema_text; do not edit.",
        **top,
        "title": "varlaw run",
        "description": "One run of `varlaw verify`: its circumstances, the risk it took, and its verdicts.",
        "required": ["schema", "run", "verdicts"],
        "$defs": definitions,
    }


def schema_text() -> str:
    """The text of `run.schema.json`, byte for byte."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
