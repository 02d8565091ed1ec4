"""A failure as one line and an exit code."""

import click


class Failure(click.ClickException):
    """An error that a user can act on: 2 usage or configuration, 3 could not run, 5 nothing selected."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        vars(self)["exit_code"] = code  # click declares it on the class
