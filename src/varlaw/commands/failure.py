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
def usage() -> Iterator[None]:
    """What is wrong with an option, as its one line and exit code 2."""
    try:
        yield
    except ValueError as error:
        raise Failure(str(error), 2) from error
