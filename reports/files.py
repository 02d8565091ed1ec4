"""Files written whole or not at all: every file is first written beside its place, then all are moved there.

Guarantee: when anything fails before the last byte is on the disk, the old files are still there, untouched. A link
stays a link: the file it names is replaced. What is no file (a pipe, a terminal, /dev/null, `-` for the standard
output) is written into, and stays what it is.
"""

import contextlib
import os
import re
import secrets
import signal
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from varlaw.reports.leftovers import part_of, sweep

Data = bytes | Iterable[bytes]  # whole, or in pieces that need not be in memory together

STDOUT: Final = Path("-")
_HANDLE: Final = re.compile(r"/dev/(?:fd|stdin|stdout|stderr)(?:/(\d+))?|/proc/self/fd/(\d+)")
_STANDARD: Final = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


class ReportError(ValueError):
    """A record that cannot be read or a report that cannot be written, in one line."""


class NoFile(ReportError):
    """Something was named that is no file and cannot be read like one: a pipe, a device, a folder."""


def write_whole(path: Path, data: Data) -> None:
    """Write one file whole or not at all, or into what is no file; `ReportError` in one line when that is refused."""
    write_all_whole({path: data})


def write_all_whole(files: Mapping[Path, Data], *, durable: bool = True) -> None:
    """Write some files, in order, each whole or not at all, and none when any cannot be written.

    `durable` waits for the disk, so that not even a loss of power leaves half a file.
    """
    staged: dict[Path, Path] = {}
    place = STDOUT
    try:
        for place, data in files.items():
            if _is_stream(place):
                _pour(place, data)
                continue
            target = Path(os.path.realpath(place)) if place.is_symlink() else place
            # Known before it is made: whenever an interrupt comes, it is removed again.
            staged[target] = part_of(target, secrets.token_hex(6))
            _stage(target, staged[target], data, durable)
        with _undisturbed():
            for target, temporary in staged.items():
                temporary.replace(target)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte, or that this system cannot spell
        if isinstance(error, BrokenPipeError) and _handle(place) == 1:
            raise  # the output pipe is closed, as with any other output
        raise _refused(error, place) from error
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError, ValueError):
                temporary.unlink(missing_ok=True)
        for folder in {target.parent for target in staged}:
            sweep(folder)


def _refused(error: Exception, path: Path) -> ReportError:
    named = getattr(error, "filename2", None) or path
    return ReportError(f"cannot write {named}: {getattr(error, 'strerror', None) or error}")


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """A signal waits until all files are in place: a report is the old one or the new one, never half of each."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heard = [n for n in numbers if signal.getsignal(n) not in (None, signal.SIG_IGN)]
    before = {n: signal.signal(n, lambda number, frame: came.append(number)) for n in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    try:
        for number in came[:1]:
            signal.raise_signal(number)
    except KeyboardInterrupt as stop:
        stop.args = ("interrupted when all files were in place",)
        raise


# -- files -------------------------------------------------------------------------------------------------------------


def _stage(path: Path, temporary: Path, data: Data, durable: bool) -> None:
    """The bytes beside their place, with the permissions of the file they replace, or those that the umask leaves."""
    make_folders(path.parent)
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder", str(path))
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as stream:
        stream.writelines(_pieces(data))
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
    if path.exists():
        with contextlib.suppress(PermissionError):  # another's file may be replaced, not handed back to them
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))


def _pieces(data: Data) -> Iterable[bytes]:
    return (data,) if isinstance(data, bytes) else data


def make_folders(folder: Path) -> None:
    """A folder and those above it, however many there are."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)


def read_record(path: Path) -> bytes:
    """The bytes of a file; `ReportError` in one line where there is none, `NoFile` for what may have no end."""
    refuse_no_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise ReportError(msg) from error


def refuse_no_file(path: Path) -> None:
    """Refuse what is there and is no file; `NoFile` in one line, `ReportError` where that cannot be told."""
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "no regular file"
            msg = f"cannot read {path}: it is {kind}, but should be a file"
            raise NoFile(msg)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise ReportError(msg) from error


# -- what is no file ---------------------------------------------------------------------------------------------------


def _handle(path: Path) -> int | None:
    """The open file of this process that a name stands for, as in /dev/fd/3; None for any other name."""
    if path == STDOUT:
        return 1
    found = _HANDLE.fullmatch(str(path)) if os.name == "posix" else None
    if found is None:
        return None
    number = found[1] or found[2]
    return int(number) if number else _STANDARD.get(str(path))


def to_stdout(path: Path | None) -> bool:
    """Whether a result goes to the standard output, which then belongs to it alone."""
    return path is not None and _handle(path) == 1


def _is_stream(path: Path) -> bool:
    """Whether a place takes bytes as they come, and cannot be replaced."""
    return _handle(path) is not None or (path.exists() and not path.is_file() and not path.is_dir())


def _pour(path: Path, data: Data) -> None:
    with _opened(path) as stream:
        stream.writelines(_pieces(data))
        stream.flush()


def _opened(path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    handle = _handle(path)
    if handle is None:
        return path.open("wb", buffering=0)
    if handle in (1, 2):
        stream = sys.stdout if handle == 1 else sys.stderr  # what was printed before comes first
        stream.flush()
        return contextlib.nullcontext(stream.buffer)
    return os.fdopen(os.dup(handle), "wb")


# -- before any work is done -------------------------------------------------------------------------------------------


def probe(folder: Path) -> None:
    """Refuse, before any work is done, a folder that could not be made or written; `ReportError` in one line."""
    if folder == STDOUT:
        msg = f"cannot write to {folder}: it is the standard output, but should be a folder"
        raise ReportError(msg)
    try:
        nearest = next(p for p in (folder.absolute(), *folder.absolute().parents) if _there(p))
    except (OSError, ValueError) as error:
        raise _refused(error, folder) from error
    if not nearest.is_dir():
        msg = f"cannot write to {folder}: {nearest} is a file, but should be a folder"
        raise ReportError(msg)
    if not os.access(nearest, os.W_OK | os.X_OK):
        msg = f"cannot write to {folder}: permission denied"
        raise ReportError(msg)


def probe_file(path: Path) -> None:
    """Refuse, before any work is done, a file that could not be written; `ReportError` in one line."""
    try:
        handle = _handle(path)
        if handle is not None:
            os.fstat(handle)
            return
        mode = path.stat().st_mode if _there(path) else 0
    except (OSError, ValueError) as error:
        raise _refused(error, path) from error
    for is_kind, kind in ((stat.S_ISDIR, "a folder"), (stat.S_ISBLK, "a disk"), (stat.S_ISSOCK, "a socket")):
        if is_kind(mode):
            msg = f"cannot write {path}: it is {kind}, but should be a file"
            raise ReportError(msg)
    if mode and not os.access(path, os.W_OK):
        msg = f"cannot write {path}: permission denied"
        raise ReportError(msg)
    if not mode or stat.S_ISREG(mode):
        probe(Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent)


def _there(path: Path) -> bool:
    """Whether something is there; raises `OSError` where that cannot be asked, as of a name that is too long."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
