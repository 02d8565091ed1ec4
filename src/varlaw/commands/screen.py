"""The terminal of every command: plain text where that is asked for, and no broken pipe taken for a verdict."""

import os
import re
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.text import Text


def console(*, no_color: bool = False, stderr: bool = False) -> Console:
    """A console that marks nothing up by itself.

    Without colour there is no bold and no dimmed text either: not one control character leaves.
    """
    if no_color or os.environ.get("NO_COLOR"):
        return _Console(stderr=stderr, highlight=False, markup=False, color_system=None)
    return _Console(stderr=stderr, highlight=False, markup=False)


def lines(made: Callable[[int], Iterable[Text]], *, no_color: bool = False) -> None:
    """Print the lines that are made for the width of the terminal."""
    screen = console(no_color=no_color)
    for line in made(screen.width):
        screen.print(line, soft_wrap=True)


def write(screen: Console, line: Text) -> None:
    """Print a line, broken between words where it is longer than the screen is wide, what follows further to the right.

    A word that is longer than the screen stays whole, so that it can be copied.
    """
    indent = len(line.plain) - len(line.plain.lstrip())
    if line.cell_len <= screen.width or indent + 12 > screen.width:
        screen.print(line, soft_wrap=True)
        return
    body, room = line[indent:], screen.width - indent - 2
    breaks, used = [], 0
    for word in re.finditer(r"\S+\s*", body.plain):
        if used and used + len(word.group().rstrip()) > room:
            breaks.append(word.start())
            used = 0
        used += len(word.group())
    for number, part in enumerate(body.divide(breaks)):
        part.rstrip()
        screen.print(Text(" " * (indent + 2 * (number > 0))).append_text(part), soft_wrap=True)


class _Console(Console):
    """A console that leaves a broken pipe to whoever called: its exit code is not that of a violation."""

    def on_broken_pipe(self) -> None:
        raise
