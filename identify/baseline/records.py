"""The file of a baseline: every law identified, every constant measured, and a checksum that shows edits by hand.

Guarantee: what `encode` wrote, `decode` reads back equal; anything else is refused in one line that says why.
"""

import hashlib
import math
from typing import Any, Final

import msgspec

from varlaw.identify.baseline.sound import BaselineError, check
from varlaw.identify.records import Identified

SCHEMA: Final = "varlaw.baseline/1"
# What a case keeps beside its sums; files older than one of them are compared without it.
KEPT: Final = ("ties", "copies", "formats", "repeats", "dependence", "evenness", "marks")
_DIGITS = 7  # of every number that is written
_BEYOND = 1e300


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


class Baseline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    keeps: list[str] = []  # those of KEPT that the file has
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
        baseline = msgspec.json.decode(data, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{where} {_refusal(data, error)}"
        raise BaselineError(msg) from error
    if baseline.schema != SCHEMA:
        msg = f"{where} {_refusal(data, None)}"
        raise BaselineError(msg)
    if _checksum(baseline) != baseline.checksum:
        msg = f"{where} was changed after it was recorded: its checksum does not match; record it again"
        raise BaselineError(msg)
    check(baseline.tensors, baseline.facts, where)
    return baseline


def _refusal(data: bytes, error: Exception | None) -> str:
    """Why the data are no baseline: no JSON at all, another schema, or not what the schema says."""
    try:
        fields = msgspec.json.decode(data)
    except RecursionError:
        return "is nested too deep for a baseline"
    except (msgspec.DecodeError, UnicodeDecodeError) as torn:
        return f"is not JSON, or was cut off: {torn}"
    schema = fields.get("schema") if isinstance(fields, dict) else None
    if schema != SCHEMA:
        shown = repr(schema)
        return f"has the schema {shown if len(shown) < 80 else '(long)'}, but should have {SCHEMA!r}"
    return f"does not follow {SCHEMA}: {error}"


def _sealed(baseline: Baseline) -> Baseline:
    rounded = msgspec.convert(_rounded(msgspec.to_builtins(baseline)), Baseline)
    return msgspec.structs.replace(rounded, checksum=_checksum(rounded))


def _checksum(baseline: Baseline) -> str:
    """Of all fields but this one, which stood empty among them in the first files."""
    bare = msgspec.json.encode(msgspec.structs.replace(baseline, checksum=""))
    return hashlib.blake2b(bare[:-1] + b',"checksum":""}', digest_size=16, person=b"varlaw.baseline").hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        # JSON has no infinity: a number that no draws give stands for evidence beyond all numbers.
        return float(f"{value:.{_DIGITS}g}") if abs(value) < _BEYOND else math.copysign(_BEYOND, value)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list | tuple) else value
