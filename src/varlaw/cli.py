"""The command `varlaw`: one verb for each thing to do, loaded when it is asked for.

Exit codes: 0 conforms or documented deviation, 1 a violation, 2 usage or configuration, 3 could not run, 5 nothing
selected, 129 hung up, 130 interrupted, 141 the output was closed, 143 terminated. Every error is one line on stderr.
"""

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from varlaw import stopping
from varlaw.commands import configuration, environment
from varlaw.commands.citing import cite
from varlaw.commands.failure import Failure, forget, say

# Verb -> where its command object lives. A new verb is one line here and one file in `commands`.
_COMMANDS = {
    "verify": "varlaw.commands.verify:verify",
    "replay": "varlaw.commands.replay:replay",
    "check": "varlaw.commands.check:check",
    "watch": "varlaw.commands.watch:watch",
    "advise": "varlaw.commands.advise:advise",
    "predict": "varlaw.commands.predict:predict",
    "identify": "varlaw.commands.identify:identify",
    "baseline": "varlaw.commands.baseline:baseline",
    "report": "varlaw.commands.report:report",
    "laws": "varlaw.commands.laws:laws",
    "subjects": "varlaw.commands.listing:subjects",
    "claims": "varlaw.commands.listing:claims",
    "new": "varlaw.commands.new:new",
    "config": "varlaw.commands.config:config",
}


@contextlib.contextmanager
def _printing() -> Iterator[None]:
    """An output that nobody reads, or that cannot be written, ends the command with a code of its own."""
    try:
        yield
    except BrokenPipeError as error:
        forget(sys.stdout)
        silent = ""  # as of any program that a closed pipe ends
        raise Failure(silent, 141) from error
    except OSError as error:
        if error.filename is not None:
            raise
        forget(sys.stdout)
        msg = f"cannot write the output: {error.strerror or error}"
        raise Failure(msg, 3) from error


class _LazyGroup(click.Group):
    """A group that imports a command only when it is called or its help is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        environment.bind(command, f"{configuration.PREFIX}_{cmd_name}")
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _printing():  # help, version and citation are printed here
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _printing():
            return super().invoke(ctx)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="varlaw", message="varlaw %(version)s")
@click.option("--cite", is_flag=True, is_eager=True, expose_value=False, callback=cite, help="How to cite, as BibTeX.")
def cli() -> None:
    """Do the numbers with which a network starts obey the law they claim?

    \b
    varlaw verify 'torch.nn.*'        check torch's own layers, norms and clipping
    varlaw check mymodel:make         is my model well set up?
    varlaw laws show he_normal.variance
    varlaw replay KEY                 see one decision again, bit for bit

    Exit codes: 0 conforms or documented deviation, 1 a violation (also beside errors), 2 usage, 3 could not run,
    5 nothing selected.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code; errors become one line."""
    # Threads split sums, and where they do shows in the last bits: with one, a verdict is the same on any machine.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what this terminal cannot show is written out
    try:
        kept = _options(sys.argv[1:] if arguments is None else arguments)
        environment.check(cli)
        code = cli.main(args=arguments, prog_name="varlaw", standalone_mode=False, default_map=kept)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.ClickException as error:
        say(error.format_message())
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        stop = error.__cause__ or error
        say(str(stop) or f"{stopping.word(stop)}; nothing was written")
        code = stopping.code(stop)
    except SystemExit as left:  # of something that was run: its code says nothing of laws
        say(f"what was run left with {left.code!r}, but should return")
        code = 3
    except Exception as error:
        if os.environ.get("VARLAW_TRACEBACK"):
            raise
        say(f"{type(error).__name__}: {error} (a fault of varlaw: VARLAW_TRACEBACK=1 shows where)")
        code = 3
    sys.exit(code if isinstance(code, int) else 0)


def _options(arguments: Sequence[str]) -> dict[str, Any]:
    """The options kept in a file; a file with a mistake keeps nobody from the version or the help."""
    try:
        return configuration.options(cli)
    except Failure:
        if {"--version", "--help", "-h"} & set(arguments):
            return {}
        raise
