"""The terminal of every command: plain text where that is asked for, and no broken pipe taken for a verdict."""

import os
import sys
from typing import Any

from rich.console import Console

from varlaw.commands.failure import forget


def console(*, no_color: bool = False, stderr: bool = False, least: int | None = None) -> Console:
    """A console that marks nothing up by itself; `least` columns even where the terminal has fewer.

    Without colour there is no bold and no dimmed text either: not one control character leaves.
    """
    file: Any = _Beside(sys.stderr) if stderr and sys.stderr else None
    plain = bool(no_color or os.environ.get("NO_COLOR"))
    found = _Console(file=file, stderr=stderr, highlight=False, markup=False, color_system=None if plain else "auto")
    if least and found.width < least:
        found.width = least
    return found


class _Console(Console):
    """A console that leaves a broken pipe to whoever called: its exit code is not that of a violation."""

    def on_broken_pipe(self) -> None:
        raise


class _Beside:
    """stderr, on which progress and remarks are lost where it cannot be written: they change no exit code."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except (OSError, ValueError):
            forget(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            forget(self._stream)
