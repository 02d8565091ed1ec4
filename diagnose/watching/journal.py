"""The file of a run: one JSON object a line, whole up to its last line whenever the run ends.

A run that is started again appends to its file, after a header of its own. A full disk, a file that cannot be written,
or one that is something else, ends the journal, never the training.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from varlaw.diagnose.watching.records import SCHEMA, Header, Line

_ENCODER = msgspec.json.Encoder()
_LONGEST = 1 << 20  # bytes of a line
_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class JournalError(ValueError):
    """A file that is no journal of a run, in one line."""


class Journal:
    """Appends lines to a file, new or a journal already; `lost` says why it stopped, where it did."""

    def __init__(self, path: Path | None) -> None:
        self.lost = ""
        self._file: IO[bytes] | None = None
        if path is not None:
            with self._guarded():
                path.parent.mkdir(parents=True, exist_ok=True)
                _mend(path)
                self._file = path.open("ab", buffering=0)

    def write(self, line: Line) -> None:
        """One line, given to the system whole before the next begins."""
        if self._file is not None:
            with self._guarded():
                left = memoryview(_ENCODER.encode(line) + b"\n")
                while left:  # a disk that is nearly full takes a part
                    left = left[self._file.write(left) :]

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            with self._guarded():
                self._file.close()
        self._file = None

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, JournalError) as error:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.close()
            self._file, self.lost = None, f"the journal ends here: {getattr(error, 'strerror', None) or error}"
            print(f"varlaw: {self.lost}", file=sys.stderr)


def rank_file(path: Path, rank: int) -> Path:
    """The file of one process of several: that of the first has the name that was asked for.

    >>> str(rank_file(Path("run.jsonl"), 3))
    'run.rank3.jsonl'
    """
    return path.with_name(f"{path.stem}.rank{rank}{path.suffix}") if rank else path


def _mend(path: Path) -> None:
    """Cuts off a last line that a killed run left unfinished; `JournalError` where the file is no journal."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        found = _line(file.readline(), 0, path)
        assert isinstance(found, Header)
        end = file.seek(0, 2)
        file.seek(max(0, end - _LONGEST))
        tail = file.read()
        file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)


def lines(path: Path) -> Iterator[Line]:
    """The lines of a journal; one that was cut off in its last line gives the others.

    Raises `JournalError` for a file that is missing or is no journal.
    """
    try:
        with path.open("rb") as file:
            for place, text in enumerate(file):
                yield _line(text, place, path)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise JournalError(msg) from error
    except _Torn:
        return


class _Torn(Exception):
    """A last line that was cut off."""


def _line(text: bytes, place: int, path: Path) -> Line:
    try:
        found = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if place and not text.endswith(b"\n"):
            raise _Torn from error
        msg = f"{path}, line {place + 1} is no line of a {SCHEMA} journal: {error}"
        raise JournalError(msg) from error
    if place == 0 and not isinstance(found, Header):
        msg = f"{path} is no {SCHEMA} journal: its first line should be its header"
        raise JournalError(msg)
    return found
