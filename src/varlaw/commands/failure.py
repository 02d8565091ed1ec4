"""A failure as one line and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

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
