"""A verb of the command line, which says before it begins whose options hold."""

from typing import Any

import click

from varlaw.commands import configuration
from varlaw.commands.failure import say


class Verb(click.Command):
    """A command whose options may be kept in pyproject.toml."""

    def invoke(self, ctx: click.Context) -> Any:
        if told := configuration.told(ctx):
            say(told)
        return super().invoke(ctx)


class Verbs(click.Group):
    """A group of verbs."""

    command_class = Verb
