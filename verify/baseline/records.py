"""The file of a baseline: every law identified, every constant measured, and a checksum that shows edits by hand.

Guarantee: what `encode` wrote, `decode` reads back equal; anything else is refused in one line that says why.
"""

import hashlib
from typing import Any, Final

import msgspec

from varlaw.verify.identify.records import Identified

SCHEMA: Final = "varlaw.baseline/1"
_DIGITS = 7  # of every number that is written


class BaselineError(ValueError):
    """A file that is no baseline, or two that cannot be held against each other; one line."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number or a convention of a subject, measured on it: an eps, a momentum, a gain. `error` is absolute."""

    subject: str
    name: str
    value: float | str
    error: float = 0.0


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A subject that could not be recorded, and why; the others were."""

    subject: str
    error: str


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults of the subjects that `target` names, as one version of their framework has them."""

    schema: str
    varlaw: str
    target: str
    versions: dict[str, str]  # framework -> version
    libraries: dict[str, str]
    salt: str
    tensors: list[Identified]
    facts: list[Fact]
    failed: list[Failed]
    # Every subject that there was a row for, whether this version has it or not; empty in files older than the field.
    looked: list[str] = []
    checksum: str = ""


def encode(baseline: Baseline) -> bytes:
    """The file: one JSON object with a line for each record."""
    fields = msgspec.to_builtins(_sealed(baseline))
    lines = []
    for name, value in fields.items():
        if isinstance(value, list):
            rows = ",\n  ".join(msgspec.json.encode(row).decode() for row in value)
            lines.append(f'"{name}": [\n  {rows}\n ]' if value else f'"{name}": []')
        else:
            lines.append(f'"{name}": {msgspec.json.encode(value).decode()}')
    return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


def decode(data: bytes, where: str) -> Baseline:
    """The baseline in a file; `BaselineError` for another schema, a truncated file, or one edited by hand."""
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{where} is not JSON, or was cut off: {error}"
        raise BaselineError(msg) from error
    schema = fields.get("schema") if isinstance(fields, dict) else None
    if schema != SCHEMA:
        msg = f"{where} has the schema {str(schema)[:80]!r}, but should have {SCHEMA!r}"
        raise BaselineError(msg)
    try:
        baseline = msgspec.convert(fields, Baseline)
    except msgspec.ValidationError as error:
        msg = f"{where} does not follow {SCHEMA}: {error}"
        raise BaselineError(msg) from error
    if _checksum(baseline) != baseline.checksum:
        msg = f"{where} was changed after it was recorded: its checksum does not match; record it again"
        raise BaselineError(msg)
    return baseline


def _sealed(baseline: Baseline) -> Baseline:
    rounded = msgspec.convert(_rounded(msgspec.to_builtins(baseline)), Baseline)
    return msgspec.structs.replace(rounded, checksum=_checksum(rounded))


def _checksum(baseline: Baseline) -> str:
    bare = msgspec.to_builtins(msgspec.structs.replace(baseline, checksum=""))
    if not baseline.looked:
        del bare["looked"]  # a file from before the field keeps its checksum
    return hashlib.blake2b(msgspec.json.encode(bare), digest_size=16, person=b"varlaw.baseline").hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list | tuple) else value
