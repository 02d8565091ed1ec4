"""A run shown in the terminal while it is written: read again when its files have grown, until it ends."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from varlaw.reports.model.journal import Run, render

_PAUSE = 1.0  # seconds
_SHARE = 5  # of the time goes to waiting, at least, for one of reading


def follow(read: Callable[[], Run], files: Sequence[Path], console: Console | None = None) -> Run:
    """Shows what `read` gives until the run ends or is interrupted, and leaves the last state on the screen."""
    console = console or Console(highlight=False)
    sizes: list[int] = []
    run = Run()
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        try:
            while not run.ended:
                began = time.monotonic()
                now = [path.stat().st_size if path.exists() else 0 for path in files]
                if now != sizes:
                    run, sizes = read(), now
                    live.update(Text(render(run, min(console.width, 100))), refresh=True)
                if not run.ended:
                    time.sleep(max(_PAUSE, _SHARE * (time.monotonic() - began)))
        except KeyboardInterrupt:
            pass
    return run
