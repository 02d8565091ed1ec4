"""The changes between two baselines as lines of a terminal, as a Markdown table and as JSON."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from varlaw.verify.baseline.diff import Change, Diff

INDENT = " " * 6
_STYLES = {"moved": "bold red", "constant": "bold red", "failed": "bold magenta", "vanished": "yellow"}
_ORDER = ("moved", "constant", "failed", "vanished", "appeared", "recovered")


def as_json(found: "Diff") -> bytes:
    """The whole comparison as one JSON object."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


def lines(found: "Diff") -> "Iterator[Text]":
    """A heading, each change with what it was and is, and the counts."""
    from rich.text import Text

    yield Text(f"{_versions(found.old)} -> {_versions(found.new)}", "bold")
    yield Text()
    for change in in_order(found):
        yield Text("  ").append(f"{change.kind:<10}", style=_STYLES.get(change.kind, "green")).append(change.name)
        yield Text(f"{INDENT}{_what(change)}")
        for note in _notes(change):
            yield Text(INDENT + note, style="dim")
    yield Text(f"  {counts(found)}", "bold")


def markdown(found: "Diff") -> str:
    """One table, and the counts below it."""
    rows = ["| | what | was | is | scale |", "|---|---|---|---|---|"]
    for c in in_order(found):
        cells = (c.kind, f"`{c.name}`", _code(c.before), _code(c.after), scale(c))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    heading = f"**{_versions(found.old)} → {_versions(found.new)}**"
    return "\n".join([heading, "", *(rows if found.changes else []), "", counts(found), ""])


def in_order(found: "Diff") -> "list[Change]":
    """The changes, the gravest kinds first."""
    return sorted(found.changes, key=lambda c: _ORDER.index(c.kind))


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


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


def _notes(change: "Change") -> Iterator[str]:
    if found := scale(change):
        chance = "" if change.log_p is None else f"   one law for both: ln p {change.log_p:.3g}"
        yield found + chance
    if change.touches:
        yield f"touches {', '.join(change.touches)}"


def counts(found: "Diff") -> str:
    """What was compared, how many of each kind changed, and the risk of a false change."""
    kinds = [(kind, sum(c.kind == kind for c in found.changes)) for kind in _ORDER]
    said = ", ".join(f"{count} {kind}" for kind, count in kinds if count) or "no change"
    compared = f"{found.laws} laws compared in {found.comparisons} cases"
    gained = len(found.unseen)
    unseen = f"; {gained} {'subject' if gained == 1 else 'subjects'} had a row in one of them only" if gained else ""
    return f"{compared}: {said}; chance of any false change {found.alpha:g}{unseen}"
