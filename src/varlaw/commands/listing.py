"""`varlaw subjects` and `varlaw claims`: what there is to verify, and what it is held to."""

import fnmatch
import json
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure
from varlaw.commands.screen import lines
from varlaw.commands.verb import Verb, Verbs

if TYPE_CHECKING:
    from varlaw.claims.claim import Claim
    from varlaw.subjects.subject import Subject


@click.command(cls=Verb)
@click.argument("globs", nargs=-1, metavar="[GLOB]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def subjects(globs: tuple[str, ...], as_json: bool) -> None:
    """List what can be checked.

    Each subject that a GLOB names, of frameworks, of installed libraries and of this project, with its op and what it
    promises. A framework need not be installed for its rows to be listed.
    """
    from varlaw.commands import inventory

    found = _subjects(globs)
    if as_json:
        click.echo(json.dumps([_record(s) for s in found], indent=1))
    else:
        lines(lambda width: inventory.subjects(found, width))


@click.group(cls=Verbs, invoke_without_command=True)
@click.option("--matrix", is_flag=True, help="Claims by kinds of subject: how many are asked, and why others are not.")
@click.pass_context
def claims(context: click.Context, matrix: bool) -> None:
    """List what subjects are held to.

    Each claim once, with its law; `claims show NAME` says more of one.
    """
    if context.invoked_subcommand is not None:
        return
    from varlaw.claims.matrix import tables
    from varlaw.commands import inventory

    found = _subjects(())
    if matrix:
        lines(lambda width: inventory.matrix(tables(found), width))
    else:
        lines(lambda width: inventory.claims(_claims(found), width))


@claims.command()
@click.argument("name")
def show(name: str) -> None:
    """What claims of this NAME, or glob, say of whom: statements, laws, subjects."""
    from varlaw.commands import inventory

    found = {n: of for n, of in _claims(_subjects(())).items() if fnmatch.fnmatchcase(n, name)}
    if not found:
        msg = f"no claim matches {name!r}"
        raise Failure(msg, 5)
    lines(lambda width: (line for claim, of in found.items() for line in inventory.claim(claim, of, width)))


def _subjects(globs: tuple[str, ...]) -> "list[Subject]":
    from varlaw.subjects import registry, targets

    patterns = [p for g in globs or ("*",) for n in (targets.in_use(g) if targets.is_place(g) else [g]) for p in
                targets.globs(n)]  # fmt: skip
    for _, fault in registry.faults(patterns):
        click.echo(f"not listed: {fault}", err=True)
    found = registry.select(patterns)
    if not found:
        msg = f"no subject matches {' or '.join(map(repr, globs))}"
        raise Failure(msg, 5)
    return found


def _claims(found: "list[Subject]") -> "dict[str, list[Claim]]":
    from varlaw.claims.tables import claims_of

    by_name: dict[str, list[Claim]] = {}
    for subject in found:
        for claim in claims_of(subject):
            by_name.setdefault(claim.name, []).append(claim)
    return dict(sorted(by_name.items()))


def _record(subject: "Subject") -> dict[str, Any]:
    from varlaw.commands.inventory import promises

    kind = type(subject).__name__.lower()
    return {"name": subject.name, "kind": kind, "op": subject.op, "promises": list(promises(subject))}
