"""What a process that was killed while it wrote has left beside the files it would have replaced."""

import contextlib
import os
import re
import time
from pathlib import Path
from typing import Final

_PART: Final = re.compile(r"\..+\.(\d+)-[0-9a-f]{12}\.part")
_STALE: Final = 3600.0  # seconds; a writer on another machine that shares the folder has no process here


def part_of(target: Path, token: str) -> Path:
    """Where the bytes of a file stand until they are whole: beside it, named after this process."""
    return target.with_name(f".{target.name[:60]}.{os.getpid()}-{token}.part")


def sweep(folder: Path) -> None:
    """Remove the parts of processes that no longer run and have not written for an hour."""
    with contextlib.suppress(OSError):
        for part in folder.glob(".*.part"):
            named = _PART.fullmatch(part.name)
            if named and not _runs(int(named[1])) and time.time() - part.stat().st_mtime > _STALE:
                part.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True  # there a process cannot be asked
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
