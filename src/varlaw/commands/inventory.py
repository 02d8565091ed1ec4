"""Subjects and the claims they are held to as lines of a terminal, for any width: words break between words alone."""

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rich.text import Text

from varlaw.claims.claim import Claim
from varlaw.claims.matrix import Table, reason
from varlaw.reports.brief import wrapped
from varlaw.reports.texts import quantities
from varlaw.subjects.subject import Subject

_FURTHER: Final = " " * 4
_LABEL: Final = " " * 12  # columns of the words on the left of what a claim says
_COLUMN: Final = 5  # of the matrix
_LISTED: Final = 4  # tensors of one law that are named one by one
_NAMED: Final = 8  # statements and targets of one claim that are listed


def promises(subject: Subject) -> Iterator[str]:
    """What a subject's own documentation promises of each tensor, or of each role of its tensors."""
    for tensor in getattr(subject, "tensors", ()):
        yield f"{tensor.name}: {tensor.documented}" if tensor.name else tensor.documented
    for role in getattr(subject, "roles", ()):
        yield f"{role.role}: {role.documented}"


def subjects(found: Sequence[Subject], width: int) -> Iterator[Text]:
    """Each subject with its op and what it promises."""
    yield from _table([(s.name, s.op, "; ".join(_grouped(s))) for s in found], width)


def _grouped(subject: Subject) -> Iterator[str]:
    """Its promises, those of many tensors once."""
    tensors: dict[str, list[str]] = {}
    for promise in promises(subject):
        name, _, law = promise.rpartition(": ")
        tensors.setdefault(law, []).append(name)
    for law, names in tensors.items():
        which = ", ".join(names) if len(names) <= _LISTED else f"{names[0]} to {names[-1]} ({len(names)})"
        yield f"{which}: {law}" if which else law


def claims(found: Mapping[str, Sequence[Claim]], width: int) -> Iterator[Text]:
    """Each claim with the number of its subjects and its law."""
    rows = []
    for name, of in found.items():
        laws = list(dict.fromkeys(claim.law for claim in of))
        more = f" and {len(laws) - 1} more" if len(laws) > 1 else ""
        rows.append((name, quantities(len({claim.subject.name for claim in of}), "subject"), f"{laws[0]}{more}"))
    yield from _table(rows, width)


def claim(name: str, of: Sequence[Claim], width: int) -> Iterator[Text]:
    """One claim: what it says, by which laws, of whom."""
    targets = list(dict.fromkeys(c.target for c in of))
    more = f" and {len(targets) - _NAMED} more" if len(targets) > _NAMED else ""
    yield Text(name, style="bold cyan")
    for statement in list(dict.fromkeys(c.statement for c in of))[:_NAMED]:
        yield from _labelled("says", statement, width)
    laws = list(dict.fromkeys(c.law for c in of))
    yield from _labelled("laws" if len(laws) > 1 else "law", ", ".join(laws), width)
    yield from _labelled("subjects", ", ".join(targets[:_NAMED]) + more, width)
    yield from _labelled("show", f"varlaw laws show {laws[0]}", width)
    yield from _labelled("verify", f"varlaw verify --claim '{name}'", width)


def matrix(tables: Iterable[Table], width: int) -> Iterator[Text]:
    """A table for each kind of record, its columns lettered; below it the holes with their reasons."""
    for table in tables:
        letters = dict(zip(table.subjects, string.ascii_lowercase, strict=False))
        kinds = ", ".join(f"{letters[k]} = {k} ({n})" for k, n in table.subjects.items())
        yield from wrapped(f"{table.record}: {kinds}", width, "bold", indent="")
        longest = max(map(len, table.asked))
        columns, beside = list(letters), max((width - longest - 2) // _COLUMN, 1)
        for start in range(0, len(columns), beside):
            part = columns[start : start + beside]
            yield Text(f"  {'':{longest}}" + "".join(f"{letters[kind]:>{_COLUMN}}" for kind in part))
            for name, asked in table.asked.items():
                yield Text(f"  {name:{longest}}" + "".join(f"{asked[kind] or '.':>{_COLUMN}}" for kind in part))
        for line in _holes(table, letters):
            yield from wrapped(line, width, indent="  ")
        yield Text()


def _holes(table: Table, letters: Mapping[str, str]) -> Iterator[str]:
    for name, asked in table.asked.items():
        why: dict[str, list[str]] = {}
        for kind in (k for k in letters if not asked[k]):
            why.setdefault(reason(table.record, name, kind) or "NO REASON GIVEN", []).append(letters[kind])
        yield from (f"{name} not of {' '.join(which)}: {words}" for words, which in why.items())


def _table(rows: Sequence[tuple[str, str, str]], width: int) -> Iterator[Text]:
    """Rows in columns where the whole row fits; else what does not fit stands below its name."""
    fit = [row for row in rows if len(row[0]) < width // 2]
    first, second = (max((len(row[column]) for row in fit), default=0) for column in (0, 1))
    for name, kind, rest in rows:
        line = f"{name:{first}}  {kind:{second}}  {rest}".rstrip()
        if len(line) <= width:
            yield Text(line)
            continue
        head = f"{name:{first}}  {kind}"
        yield Text(head if len(head) <= width else name)
        yield from wrapped(rest if len(head) <= width else f"{kind}: {rest}", width, indent=_FURTHER)


def _labelled(word: str, text: str, width: int) -> Iterator[Text]:
    first, *others = wrapped(text, width, indent=_LABEL)
    yield Text(f"  {word:{len(_LABEL) - 2}}", style="dim").append(first.plain[len(_LABEL) :], style="default")
    yield from others
