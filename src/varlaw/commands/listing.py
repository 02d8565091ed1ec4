"""`varlaw subjects` and `varlaw claims`: what there is to verify, and what it is held to."""

import fnmatch
import json
import string
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure
from varlaw.commands.verb import Verb, Verbs

if TYPE_CHECKING:
    from varlaw.claims.claim import Claim
    from varlaw.subjects.subject import Subject


@click.command(cls=Verb)
@click.argument("globs", nargs=-1, metavar="[GLOB]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def subjects(globs: tuple[str, ...], as_json: bool) -> None:
    """List the subjects that a GLOB names, of frameworks, of installed libraries and of this project, with their op.

    A framework need not be installed for its rows to be listed.
    """
    found = _subjects(globs)
    if as_json:
        click.echo(json.dumps([_record(s) for s in found], indent=1))
        return
    width = max(len(s.name) for s in found)
    for subject in found:
        click.echo(f"{subject.name:{width}}  {subject.op}  {', '.join(_promises(subject))[:100]}".rstrip())


@click.group(cls=Verbs, invoke_without_command=True)
@click.option("--matrix", is_flag=True, help="Claims by kinds of subject: how many are asked, and why others are not.")
@click.pass_context
def claims(context: click.Context, matrix: bool) -> None:
    """List the claims that subjects are held to, each once, with its law; `claims show NAME` says more of one."""
    from varlaw.reports.words import quantities

    if matrix and context.invoked_subcommand is None:
        for line in _matrix(_subjects(())):
            click.echo(line)
    elif context.invoked_subcommand is None:
        found = _claims(_subjects(()))
        width = max(map(len, found))
        for name, of in found.items():
            laws = list(dict.fromkeys(c.law for c in of))
            count = f"{laws[0]} and {len(laws) - 1} more" if len(laws) > 1 else laws[0]
            subjects = quantities(len({c.subject.name for c in of}), "subject")
            click.echo(f"{name:{width}}  {subjects:>14}  {count}")


@claims.command()
@click.argument("name")
def show(name: str) -> None:
    """What claims of this NAME, or glob, say of whom: statements, laws, subjects."""
    found = {n: of for n, of in _claims(_subjects(())).items() if fnmatch.fnmatchcase(n, name)}
    if not found:
        msg = f"no claim matches {name!r}"
        raise Failure(msg, 5)
    for claim, of in found.items():
        click.echo(claim)
        for statement in list(dict.fromkeys(c.statement for c in of))[:8]:
            click.echo(f"  says      {statement}")
        for law in dict.fromkeys(c.law for c in of):
            click.echo(f"  law       {law} (varlaw laws show {law})")
        targets = list(dict.fromkeys(c.target for c in of))
        click.echo(f"  subjects  {', '.join(targets[:8])}{f' and {len(targets) - 8} more' if len(targets) > 8 else ''}")
        click.echo(f"  verify    varlaw verify --claim '{claim}'")


def _matrix(found: "list[Subject]") -> Iterator[str]:
    """A table for each kind of record, its columns lettered; below it the holes with their reasons."""
    from varlaw.claims.matrix import reason, tables

    for table in tables(found):
        letters = dict(zip(table.subjects, string.ascii_lowercase, strict=False))
        yield f"{table.record}: " + ", ".join(f"{letters[k]} = {k} ({n})" for k, n in table.subjects.items())
        width = max(map(len, table.asked))
        yield f"  {'':{width}}" + "".join(f"{letter:>5}" for letter in letters.values())
        for claim, asked in table.asked.items():
            yield f"  {claim:{width}}" + "".join(f"{asked[kind] or '.':>5}" for kind in letters)
        for claim, asked in table.asked.items():
            why: dict[str, list[str]] = {}
            for kind in (k for k in letters if not asked[k]):
                why.setdefault(reason(table.record, claim, kind) or "NO REASON GIVEN", []).append(letters[kind])
            yield from (f"  {claim} not of {' '.join(which)}: {words}" for words, which in why.items())
        yield ""


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


def _promises(subject: Any) -> "Iterator[str]":
    for tensor in getattr(subject, "tensors", ()):
        yield f"{tensor.name}: {tensor.documented}" if tensor.name else tensor.documented
    for role in getattr(subject, "roles", ()):
        yield f"{role.role}: {role.documented}"


def _record(subject: Any) -> dict[str, Any]:
    kind = type(subject).__name__.lower()
    return {"name": subject.name, "kind": kind, "op": subject.op, "promises": list(_promises(subject))}
