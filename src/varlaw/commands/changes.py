"""The changes between two baselines as lines of a terminal, as a Markdown table and as JSON.

A baseline's checksum is no key: every text of it is shown escaped, so that no name moves the cursor or draws a table.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from varlaw.reports.texts import plain, quantities

if TYPE_CHECKING:
    from rich.text import Text

    from varlaw.identify.baseline.diff import Diff
    from varlaw.identify.baseline.moved import Change

INDENT = " " * 6
_STYLES = {"moved": "bold red", "constant": "bold red", "failed": "bold magenta", "vanished": "yellow"}
_ORDER = ("moved", "constant", "failed", "vanished", "appeared", "recovered")
_NAMED = 8  # parameters of a role, or reasons, that are named before the rest is counted


def as_json(found: "Diff") -> bytes:
    """The whole comparison as one JSON object."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


def lines(found: "Diff") -> "Iterator[Text]":
    """A heading, each change with what it was and is, what could not be compared, and the counts."""
    from rich.text import Text

    yield Text(f"{plain(_versions(found.old))} -> {plain(_versions(found.new))}", "bold")
    yield Text()
    for change in in_order(found):
        style = _STYLES.get(change.kind, "green")
        yield Text("  ").append(f"{change.kind:<10}", style=style).append(plain(change.name))
        yield Text(f"{INDENT}{plain(_what(change))}")
        for note in notes(change):
            yield Text(INDENT + plain(note), style="dim")
    for one in found.open[:_NAMED]:
        yield Text("  ").append(f"{'open':<10}", style="yellow").append(plain(one.name))
        yield Text(INDENT + plain(one.reason), style="dim")
    if len(found.open) > _NAMED:
        yield Text(f"  {'open':<10}and {len(found.open) - _NAMED} more, which --json names", "yellow")
    yield Text(f"  {counts(found)}", "bold")
    if found.unkept:
        yield Text(f"  {older(found)}", "yellow")


def markdown(found: "Diff") -> str:
    """One table, and the counts below it."""
    from varlaw.reports.markdown import code, text

    rows = ["| | what | was | is | scale and reasons |", "|---|---|---|---|---|"]
    for c in in_order(found):
        reasons = text("; ".join(filter(None, [scale(c), *_reasons(c)])))
        rows.append(f"| {text(c.kind)} | {code(c.name)} | {code(c.before)} | {code(c.after)} | {reasons} |")
    rows += [f"| open | {code(one.name)} | | | {text(one.reason)} |" for one in found.open[:_NAMED]]
    more = len(found.open) - _NAMED
    rows += [f"| open | and {more} more, which `--json` names | | | |"] if more > 0 else []
    heading = f"**{text(_versions(found.old))} → {text(_versions(found.new))}**"
    below = [counts(found), *(["", older(found)] if found.unkept else [])]
    return "\n".join([heading, "", *(rows if found.changes or found.open else []), "", *below, ""])


def in_order(found: "Diff") -> "list[Change]":
    """The changes, the gravest kinds first."""
    return sorted(found.changes, key=lambda c: _ORDER.index(c.kind))


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _what(change: "Change") -> str:
    if change.before and change.after:
        return f"{change.before} -> {change.after}"
    return change.after or change.before


def scale(change: "Change") -> str:
    """The ratio of the scales with its interval."""
    if change.ratio is None:
        return change.cases
    ends = f" [{change.interval[0]:.4g}, {change.interval[1]:.4g}]" if change.interval else ""
    return ", ".join(filter(None, [f"std x{change.ratio:.4g}{ends}", change.cases]))


def notes(change: "Change") -> Iterator[str]:
    """The scale, what else shows the change, who plays the role, and the claims that speak of it."""
    if found := scale(change):
        chance = "" if change.log_p is None else f"   one law for both: ln p {change.log_p:.3g}"
        yield found + chance
    yield from _reasons(change)
    if change.touches:
        yield f"touches {', '.join(change.touches)}"


def _reasons(change: "Change") -> Iterator[str]:
    yield from _few(change.why)
    if change.parameters:
        yield f"parameters: {', '.join(_few(change.parameters))}"


def _few(texts: list[str]) -> Iterator[str]:
    yield from texts[:_NAMED]
    if len(texts) > _NAMED:
        yield f"and {len(texts) - _NAMED} more"


def counts(found: "Diff") -> str:
    """What was compared, how many of each kind changed, what could not be compared, and the risk of a false change."""
    kinds = [(kind, sum(c.kind == kind for c in found.changes)) for kind in _ORDER]
    said = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
    if found.open:
        said = f"{said or 'none changed that could be compared'}, {len(found.open)} open"
    compared = f"{quantities(found.laws, 'law')} compared in {quantities(found.comparisons, 'case')}"
    unseen = f"; {quantities(len(found.unseen), 'subject')} had a row in one of them only" if found.unseen else ""
    return f"{compared}: {said or 'no change'}; chance of any false change {found.alpha:g}{unseen}"


def older(found: "Diff") -> str:
    """What was left out since one file is older than that."""
    return f"not compared, as one file is older than that: {', '.join(found.unkept)}; record it again"
