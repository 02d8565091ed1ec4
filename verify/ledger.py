"""What has been decided, one line for each verdict, appended as it is reached and never changed.

Guarantee: a run that is killed at any moment resumes from its ledger with nothing lost and nothing decided twice, and
comes to the verdicts of an uninterrupted run, because a decision depends on its task, policy and salt alone. The first
line, the header, says under which versions, policy and salt; whatever does not agree with it is refused.

A line is `{"crc": ..., "verdict": {...}}` with the CRC-32 of the bytes of its record. Only a last line without its
newline, which a kill or a full disk leaves behind, is dropped; any other damage is refused and left as it is. A subject
that raised has not been decided, so ERROR is not kept and the next call tries again.

Yearly budget: `yearly_decisions` x alpha, over every salt and machine, is the expected number of false alarms in a year
and must stay within `YEARLY_ALARMS`.
"""

import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from varlaw.claims.verdict import Outcome, Verdict
from varlaw.evidence.budget import Policy

SCHEMA = "varlaw.ledger/1"
YEARLY_ALARMS = 1e-3
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
LONGEST = 1 << 26  # bytes of a line: what is longer is no verdict


class LedgerError(ValueError):
    """A ledger that cannot be used, or a budget that cannot be kept: what is wrong and what to do, in one line."""


class LedgerInUse(LedgerError):
    """Another process has the ledger open."""


class LedgerFull(LedgerError):
    """The disk refuses to keep a verdict: nothing is wrong with what was asked for."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Under which circumstances every verdict of a ledger was reached, and the risk that each decision took."""

    schema: str = SCHEMA
    varlaw: str
    versions: dict[str, str]  # of the frameworks under test and of the libraries that judge them
    policy: str
    delta: float
    beta: float
    alpha: float  # spent per decision
    yearly_decisions: int
    salt: str


class _Line(msgspec.Struct, omit_defaults=True):
    crc: str
    header: msgspec.Raw = msgspec.Raw(b"")
    verdict: msgspec.Raw = msgspec.Raw(b"")


class Ledger:
    """An open ledger, locked against other processes: `verdicts` by replay key, and `add`.

    `torn` says that a half-written last line was dropped.
    """

    def __init__(self, path: Path, file: BinaryIO, verdicts: dict[str, Verdict], torn: bool) -> None:
        self.path, self.verdicts, self.torn, self._file = path, verdicts, torn, file

    def add(self, verdict: Verdict) -> None:
        """Append one verdict; `LedgerError` when it is there already, `LedgerFull` when the disk refuses.

        When this returns, the verdict survives the death of the process.
        """
        if verdict.outcome is Outcome.ERROR:
            return
        if verdict.replay in self.verdicts:
            msg = f"{self.path} holds {verdict.replay} already, but evidence counts once"
            raise LedgerError(msg)
        _append(self.path, self._file, "verdict", verdict)
        self.verdicts[verdict.replay] = verdict


@contextmanager
def opened(path: Path, header: Header) -> Iterator[Ledger]:
    """The ledger at `path`, begun with `header` or, where there is one, resumed; closed and on the disk afterwards.

    Raises `LedgerError` when another process has it open, when its header is another one, or when it is damaged, and
    `LedgerFull` when the disk refuses.
    """
    with _open(path) as file:
        _lock(path, file)
        lines = _Lines(path, file)
        first = next(lines, b"")
        if first:
            verdicts = _read(path, first, lines, header)
            file.truncate(lines.end)
        else:
            verdicts = _begin(path, file, lines.torn, header)
        try:
            yield Ledger(path, file, verdicts, torn=bool(first and lines.torn))
        finally:
            _settle(path, file)


def _open(path: Path) -> BinaryIO:
    """The file, made where there is none; nothing else can be read again, or ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path == Path("-") or (path.exists() and not path.is_file()):
            kind = "a folder" if path.is_dir() else "no regular file"
            msg = f"cannot open the ledger {path}: it is {kind}, but should be a file"
            raise LedgerError(msg)
        return path.open("a+b", buffering=0)
    except (OSError, RecursionError) as error:
        msg = f"cannot open the ledger {path}: {getattr(error, 'strerror', None) or error}"
        raise LedgerError(msg) from error


class _Lines:
    """The complete lines of a file, one after the other; then `torn` is what follows the last newline.

    `end` is the place after the last line given.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        file.seek(0)
        self._path, self._file = path, os.fdopen(file.fileno(), "rb", closefd=False)
        self._number, self.end, self.torn = 0, 0, b""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self._file.readline(LONGEST + 1)
        self._number += 1
        if len(line) > LONGEST:
            raise _damaged(self._path, self._number, f"it has more than {LONGEST} bytes")
        if not line.endswith(b"\n"):
            self.torn = line
            raise StopIteration
        self.end += len(line)
        return line[:-1]


def _settle(path: Path, file: BinaryIO) -> None:
    try:
        os.fsync(file.fileno())
    except OSError as error:
        msg = f"cannot write to the ledger {path}: {error.strerror or error}; its end may be lost with the power"
        raise LedgerFull(msg) from error


def check_budget(yearly_decisions: int, planned: int, rule: Policy) -> None:
    """Refuse a configuration whose yearly false alarms exceed the budget, before anything is drawn.

    >>> from varlaw.evidence.budget import POLICIES
    >>> check_budget(400_000_000, 6_000, POLICIES["pr"])
    """
    alarms = yearly_decisions * rule.alpha
    if alarms > YEARLY_ALARMS * (1 + 1e-12):  # a whole number times a rounded alpha
        msg = (
            f"{yearly_decisions} decisions a year at alpha {rule.alpha:g} expect {alarms:.3g} false alarms, but should"
            f" expect at most {YEARLY_ALARMS:g}: {affordable(rule)} decisions"
        )
        raise LedgerError(msg)
    if planned > yearly_decisions:
        msg = f"this run takes {planned} decisions, but only {yearly_decisions} are planned for a year"
        raise LedgerError(msg)


def affordable(rule: Policy) -> int:
    """How many decisions a year the budget affords."""
    return round(YEARLY_ALARMS / rule.alpha)


# -- lines -------------------------------------------------------------------------------------------------------------


def _append(path: Path, file: BinaryIO, kind: str, record: Header | Verdict) -> None:
    data = _encoded(kind, record)
    try:
        written = file.write(data)  # unbuffered: one system call, which a kill cannot undo
    except OSError as error:
        msg = f"cannot write to the ledger {path}: {error.strerror or error}; what it holds is safe"
        raise LedgerFull(msg) from error
    if written != len(data):
        msg = f"cannot write to the ledger {path}: the disk is full; what it holds is safe"
        raise LedgerFull(msg)


def _encoded(kind: str, record: Header | Verdict) -> bytes:
    data = msgspec.json.encode(record)
    return msgspec.json.encode({"crc": _crc(data), kind: msgspec.Raw(data)}) + b"\n"


def _crc(data: bytes) -> str:
    return f"{zlib.crc32(data):08x}"


def _begin(path: Path, file: BinaryIO, torn: bytes, header: Header) -> dict[str, Verdict]:
    """Write the header into an empty file, or over the beginning of it that a kill left there."""
    if not _encoded("header", header).startswith(torn):
        msg = f"{path} is no ledger of this run; name another file, or delete it"
        raise LedgerError(msg)
    file.truncate(0)
    _append(path, file, "header", header)
    return {}


def _read(path: Path, first: bytes, others: Iterable[bytes], header: Header) -> dict[str, Verdict]:
    _agree(path, _header(path, first), header)
    verdicts: dict[str, Verdict] = {}
    for number, line in enumerate(others, start=2):
        verdict = _verdict(path, number, line)
        if not verdict.replay.startswith(f"v1:{header.salt}:{header.policy}:"):
            raise _damaged(path, number, "it belongs to another run")
        if verdict.replay in verdicts:
            raise _damaged(path, number, "it repeats a decision, and evidence counts once")
        verdicts[verdict.replay] = verdict
    return verdicts


def _header(path: Path, line: bytes) -> Header:
    try:
        raw = msgspec.json.decode(line, type=_Line)
        schema = msgspec.json.decode(raw.header)["schema"]
    except (*_UNREADABLE, KeyError, TypeError) as error:
        msg = f"{path} is no ledger (its first line is no header); name another file, or restore it from a copy"
        raise LedgerError(msg) from error
    if schema != SCHEMA:
        msg = (
            f"{path} is a ledger of schema {json.dumps(schema)[:80]}, but this varlaw reads {SCHEMA}; finish it with"
            " the varlaw that began it, or begin another file"
        )
        raise LedgerError(msg)
    if _crc(bytes(raw.header)) != raw.crc:
        raise _damaged(path, 1, "its checksum differs")
    try:
        return msgspec.json.decode(raw.header, type=Header)
    except _UNREADABLE as error:
        raise _damaged(path, 1, str(error)) from error


def _verdict(path: Path, number: int, line: bytes) -> Verdict:
    try:
        raw = msgspec.json.decode(line, type=_Line)
        if _crc(bytes(raw.verdict)) != raw.crc:
            raise _damaged(path, number, "its checksum differs")
        return msgspec.json.decode(raw.verdict, type=Verdict)
    except _UNREADABLE as error:
        raise _damaged(path, number, str(error)) from error


def _damaged(path: Path, number: int, why: str) -> LedgerError:
    return LedgerError(f"{path} is damaged at line {number} ({why}); restore it from a copy, or begin another file")


def _agree(path: Path, there: Header, here: Header) -> None:
    """Name the first circumstance in which a ledger and this run differ."""
    for name in Header.__struct_fields__:
        old, new = getattr(there, name), getattr(here, name)
        if old != new:
            old, new = (_differing(old, new), _differing(new, old)) if isinstance(old, dict) else (repr(old), repr(new))
            msg = (
                f"{path} was begun with {name}={old}, but this run has {new}; finish it as it was begun, or begin"
                " another file"
            )
            raise LedgerError(msg)


def _differing(versions: dict[str, str], others: dict[str, str]) -> str:
    return ", ".join(f"{k} {v}" for k, v in versions.items() if others.get(k) != v) or "no others"


# -- the lock ----------------------------------------------------------------------------------------------------------


def _lock(path: Path, file: BinaryIO) -> None:
    """Hold the file alone for as long as it is open; the system lets go when the process dies, however it dies."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 40)  # far beyond the lines, which stay readable
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        msg = f"the ledger {path} is in use by another process; wait for it, or name another file"
        raise LedgerInUse(msg) from error
