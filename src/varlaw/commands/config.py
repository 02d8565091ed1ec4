"""`varlaw config show`: every option as it stands, and where its value comes from."""

import json

import click

from varlaw.commands import configuration

_VALUE = 24  # columns of a value, beyond which it moves what stands behind it


@click.group()
def config() -> None:
    """Show options kept in pyproject.toml.

    Under [tool.varlaw.verify] and the like.
    """


@config.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, on the standard output.")
def show(as_json: bool) -> int:
    """Print the options of every verb as the command line would find them, with the source of each."""
    root = click.get_current_context().find_root()
    assert isinstance(root.command, click.Group)
    rows = [row for row in configuration.merged(root, root.command) if not row[0].startswith("config.")]
    if as_json:
        click.echo(json.dumps({name: {"value": v, "source": source} for name, v, source in rows}, default=str))
        return 0
    texts = [(name, json.dumps(value, default=str), source) for name, value, source in rows]
    first, second = (max(len(row[column]) for row in texts) for column in (0, 1))
    for name, value, source in texts:
        click.echo(f"{name:<{first}}  {value:<{min(second, _VALUE)}}  {source}")
    return 0
