"""`varlaw --cite`: how to cite this package, as BibTeX."""

from importlib.metadata import version

import click

TITLE = "varlaw: variance laws of neural networks, stated, implemented and verified by sequential tests"


def cite(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the entry and leave, as `--version` does."""
    if not wanted or context.resilient_parsing:
        return
    fields = {"title": f"{{{TITLE}}}", "author": "{{the varlaw developers}}", "version": f"{{{version('varlaw')}}}"}
    click.echo("@software{varlaw,\n" + "".join(f"  {name} = {value},\n" for name, value in fields.items()) + "}")
    context.exit()
