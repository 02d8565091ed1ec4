"""A failure as one line and an exit code, and what is said beside the output."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click


class Failure(click.ClickException):
    """An error that a user can act on: 2 usage or configuration, 3 could not run, 5 nothing selected."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        vars(self)["exit_code"] = code  # click declares it on the class


@contextmanager
def failing(code: int, *kinds: type[Exception]) -> Iterator[None]:
    """What goes wrong inside, of these kinds, as its one line and an exit code."""
    try:
        yield
    except kinds as error:
        raise Failure(str(error), code) from error


@contextmanager
def usage() -> Iterator[None]:
    """What is wrong with an option, as its one line and exit code 2."""
    with failing(2, ValueError):
        yield


def say(text: str) -> None:
    """One line on stderr; where that cannot be written, nothing, for it changes no exit code."""
    if not text:
        return
    try:
        click.echo(f"varlaw: {' '.join(text.split())}", err=True)
    except (OSError, ValueError):
        forget(sys.stderr)


def forget(stream: Any) -> None:
    """What is still in a stream's buffers goes nowhere: the interpreter would fail on it again when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
