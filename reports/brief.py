"""Many rows in a line each: what a terminal shows unasked of all that conforms, is documented, or was not run."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.text import Text

from varlaw.claims.verdict import Deviation
from varlaw.reports.diff import Change, Kind
from varlaw.reports.groups import PRESENT, Group, beside
from varlaw.reports.texts import plain, quantities
from varlaw.reports.wording import STANDINGS, evidence, standing

STYLES: Final = {
    "VIOLATES": "bold red",
    "error": "bold magenta",
    "undecided": "yellow",
    "deviation": "cyan",
    "conforms": "green",
    "not applicable": "dim",
}
INDENT: Final = " " * 6
QUIET: Final = ("conforms", "not applicable")
Met = tuple[Deviation, list[Group]]


def causes(met: list[Met], width: int) -> Iterator[Text]:
    """A line for each documented cause: how many rows it explains, of how many subjects, and the worst of them."""
    found: dict[tuple[str, str], list[Met]] = {}
    for known, rows in met:
        found.setdefault((known.reason, known.link), []).append((known, rows))
    counts = Counter(members[0][0].standing for members in found.values())
    kinds = ", ".join(f"{counts[key]} {word}" for key, word in STANDINGS.items() if counts[key])
    yield from summary("deviation", f"{quantities(len(found), 'documented cause')}: {kinds} (-v lists the rows)", width)
    for members in found.values():
        groups = [group for _, rows in members for group in rows]
        names = ", ".join(plain(known.id) for known, _ in members)
        many, subjects = len(groups), quantities(len({group.subject for group in groups}), "subject")
        extent = subjects if subjects.startswith(f"{many} ") else f"{many} rows of {subjects}"
        first, broken = members[0][0], members[0][0].standing == "broken"
        shown = evidence(groups[0].worst) or plain(groups[0].worst.detail)
        yield from wrapped(": ".join([names, ", ".join(filter(None, [extent, shown]))]), width, indent="    ")
        yield from wrapped(standing(first), width, indent="      ") if broken else ()


def news(name: str, changes: "list[Change]", width: int) -> Iterator[Text]:
    """What changed since an earlier run, before everything else; rows that only one of both decided are counted."""
    listed = [c for c in changes if c.after and not (c.kind is Kind.NEW and c.after.state in QUIET)]
    gone, new = (sum(c.kind is kind and c not in listed for c in changes) for kind in (Kind.GONE, Kind.NEW))
    counts = [quantities(len(listed), "row") + " changed" if listed else "nothing changed"]
    counts += [f"{new} more conform"] if new else []
    counts += [f"{gone} were not decided this time"] if gone else []
    yield from wrapped(f"since {plain(name)}: {', '.join(counts)}", width, "bold", indent="  ")
    for change in listed:
        row = f"{change.kind.value}: {plain(change.group.subject)} {plain(change.group.claim)}"
        states = " -> ".join(group.state if group else "absent" for group in (change.before, change.after))
        yield from wrapped("; ".join(filter(None, [f"{row} ({states})", plain(change.detail)])), width, indent="    ")
    yield Text()


def folded(groups: list[Group], others: list[Group], width: int) -> Iterator[Text]:
    """A line for each framework: how many verdicts conform, beside those of the `others`, whose rows have a finding."""
    for platform, members in itertools.groupby(sorted(groups, key=lambda g: g.platform), lambda g: g.platform):
        rows = list(members)
        verdicts = quantities(sum(len(g.verdicts) for g in rows), "verdict")
        subjects = quantities(len({g.subject for g in rows}), "subject")
        text = f"{plain(platform)}: {verdicts} on {quantities(len(rows), 'row')} of {subjects} (-v lists them)"
        yield from summary("conforms", text + beside(others, platform), width)


def not_applicable(groups: list[Group], width: int, *, listed: bool) -> Iterator[Text]:
    reasons: dict[str, list[Group]] = {}
    absent = [group.subject for group in groups if group.claim == PRESENT]
    if absent and not listed:
        yield from summary("not applicable", f"here: {', '.join(map(plain, absent))} (-v says why)", width)
    for group in groups if listed else (g for g in groups if g.claim != PRESENT):
        reasons.setdefault(group.worst.detail, []).append(group)
    for reason, members in reasons.items():
        names = ", ".join(plain(g.subject) for g in members[: None if listed else 3])
        more = "" if listed or len(members) <= 3 else f" and {len(members) - 3} more"
        yield from summary("not applicable", f"{names}{more}: {plain(reason) or 'no reason given'}", width)


def summary(state: str, text: str, width: int) -> Iterator[Text]:
    """Many rows of one state in one sentence."""
    first, *others = wrapped(f"{state} {text}", width, indent="  ")
    first.stylize(STYLES[state], 2, 2 + len(state))
    yield from (first, *others)


def wrapped(text: str, width: int, style: str = "", indent: str = INDENT) -> Iterator[Text]:
    """`text` indented and broken between words."""
    line = ""
    for word in text.replace("   ", " \0\0").split():
        if line.strip() and len(indent) + len(line) + 1 + len(word) > width:
            yield Text(indent + line.replace("\0", " "), style=style)
            line = "  " + word
        else:
            line = f"{line} {word}" if line.strip() else line + word
    if line:
        yield Text(indent + line.replace("\0", " "), style=style)
