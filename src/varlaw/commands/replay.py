"""`varlaw replay`: take one decision again, bit for bit, from the key that its verdict printed."""

import click

from varlaw.commands.failure import Failure
from varlaw.commands.verb import Verb


@click.command(cls=Verb)
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON.")
@click.option("--no-color", is_flag=True, help="Plain text; NO_COLOR in the environment does the same.")
def replay(key: str, as_json: bool, no_color: bool) -> int:
    """Repeat one decision, bit for bit.

    KEY names it: same draws, same sums, same verdict. It is printed with every verdict, v1:salt:policy:claim:{...};
    quote it for the shell.
    """
    from varlaw.commands.screen import console
    from varlaw.commands.verify import DTYPES
    from varlaw.reports import schema, terminal
    from varlaw.subjects.targets import CannotRun
    from varlaw.verify import plan
    from varlaw.verify.run import execute, exit_code

    try:
        task, policy, salt = plan.parse_replay(key)
        if task.dtype not in DTYPES:
            msg = f"dtype={task.dtype!r}, but should be one of {', '.join(DTYPES)}"
            raise ValueError(msg)
        agreed = plan.Plan(
            plan.Request(targets=(task.target,), policy=policy, device=task.device, dtypes=(task.dtype,), salt=salt),
            task.device, plan.subject_of(task), [task],
        )  # fmt: skip
    except CannotRun as error:
        msg = f"could not run: {error}"
        raise Failure(msg, 3) from error
    except ValueError as error:
        raise Failure(str(error), 2) from error
    run = execute(agreed, strict=False)
    if as_json:
        click.echo(schema.encode(run), nl=False)
    else:
        terminal.render(run, console(no_color=no_color), verbosity=2)
    return exit_code(run)
