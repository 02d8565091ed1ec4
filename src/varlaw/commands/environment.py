"""Options in the environment: `VARLAW_VERIFY_JSON` is `--json` of `varlaw verify`, and so on for every option.

The name is the verb's and the long option's, in capitals, with `_` for a dash or a space; several values are separated
by spaces, several paths as in PATH. An empty variable is none. One of a verb that has no such option is refused.
"""

import difflib
import os
from collections.abc import Iterator

import click

from varlaw.commands.configuration import PREFIX, kept_in_file, long_name
from varlaw.commands.failure import Failure

# Variables of ours that name no option.
_OTHERS = {"VARLAW_TRACEBACK", "VARLAW_YEARLY_DECISIONS"}


def bind(command: click.Command, prefix: str) -> None:
    """Tell the options of a verb, and of the verbs below it, the names of their variables."""
    for name, inner in command.commands.items() if isinstance(command, click.Group) else ():
        bind(inner, f"{prefix}_{name}")
    for parameter in kept_in_file(command):
        name = f"{prefix}_{long_name(parameter)}".replace("-", "_").upper()
        others = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []
        parameter.envvar = list(dict.fromkeys([name, *others]))


def check(group: click.Group) -> None:
    """Refuse a variable that begins as one of a verb does, or nearly is one, and is none; `Failure` 2 in one line."""
    strange = sorted(name for name in os.environ if name.startswith(f"{PREFIX}_") and name not in _OTHERS)
    known = set(_variables(group)) if strange else set()
    verbs = tuple(f"{PREFIX}_{verb.upper()}_" for verb in group.list_commands(click.Context(group)))
    for name in strange:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6 if name.startswith(verbs) else 0.85)
        if name not in known and (near or name.startswith(verbs)):
            hint = f"; did you mean {near[0]}?" if near else ""
            msg = f"the environment has {name}, but no verb has such an option{hint}"
            raise Failure(msg, 2)


def _variables(group: click.Group) -> Iterator[str]:
    context = click.Context(group)
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        assert command is not None, verb
        if isinstance(command, click.Group):
            yield from _variables(command)
        for parameter in kept_in_file(command):
            yield from parameter.envvar or ()
