"""The terminal of every command: plain text where that is asked for, and no broken pipe taken for a verdict."""

import os

from rich.console import Console


def console(*, no_color: bool = False, stderr: bool = False) -> Console:
    """A console that marks nothing up by itself.

    Without colour there is no bold and no dimmed text either: not one control character leaves.
    """
    if no_color or os.environ.get("NO_COLOR"):
        return _Console(stderr=stderr, highlight=False, markup=False, color_system=None)
    return _Console(stderr=stderr, highlight=False, markup=False)


class _Console(Console):
    """A console that leaves a broken pipe to whoever called: its exit code is not that of a violation."""

    def on_broken_pipe(self) -> None:
        raise
