"""Files written whole or not at all: every file is first written beside its place, then all are moved there.

Guarantee: when anything fails before the last byte is on the disk, the old files are still there, untouched.
"""

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path


class ReportError(ValueError):
    """A record that cannot be read or a report that cannot be written, in one line."""


def write_whole(path: Path, data: bytes) -> None:
    """Write one file whole or not at all; `ReportError` in one line when the folder refuses."""
    write_all_whole({path: data})


def write_all_whole(files: Mapping[Path, bytes], *, durable: bool = True) -> None:
    """Write some files, in order, each whole or not at all, and none when any cannot be written.

    `durable` waits for the disk, so that not even a loss of power leaves half a file.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            staged[path] = _stage(path, data, durable)
        with _undisturbed():
            for path, temporary in staged.items():
                temporary.replace(path)
    except OSError as error:
        msg = f"cannot write {error.filename2 or path}: {error.strerror or error}"
        raise ReportError(msg) from error
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """An interrupt waits until all files are in place: a report is the old one or the new one, never half of each."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        msg = "interrupted when all files were in place"
        raise KeyboardInterrupt(msg)


def _stage(path: Path, data: bytes, durable: bool) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder", str(path))
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        temporary.chmod(0o644)  # mkstemp makes private files; a report is for others to read
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def probe(folder: Path) -> None:
    """Refuse, before any work is done, a folder that could not be made or written; `ReportError` in one line."""
    nearest = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not nearest.is_dir():
        msg = f"cannot write to {folder}: {nearest} is a file, but should be a folder"
        raise ReportError(msg)
    if not os.access(nearest, os.W_OK | os.X_OK):
        msg = f"cannot write to {folder}: permission denied"
        raise ReportError(msg)


def probe_file(path: Path) -> None:
    """Refuse, before any work is done, a file that could not be written; `ReportError` in one line."""
    if path.is_dir():
        msg = f"cannot write {path}: it is a folder, but should be a file"
        raise ReportError(msg)
    probe(path.parent)
