"""The table of a run on a terminal: findings in full with their likeliest cause and replay line, the rest in counts.

Guarantee: no text of a record is ever cut off or read as markup, a replay line can be copied as it stands, and the
lines stay within the console's width from 60 columns on, but for words that are longer than the line.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from varlaw.claims.verdict import Run, RunInfo, Verdict
from varlaw.reports.brief import INDENT, QUIET, STYLES, Met, causes, folded, news, not_applicable, wrapped
from varlaw.reports.counts import headline
from varlaw.reports.diff import Change
from varlaw.reports.groups import Group, by_deviation, grouped, worst_first
from varlaw.reports.schema import as_recorded
from varlaw.reports.texts import link_text, number, plain, risk
from varlaw.reports.wording import (
    case_text,
    effort,
    evidence,
    foreign_versions,
    foreseen,
    likely,
    looked_for,
    replay_command,
    standing,
    undecided,
)

FOLD_ABOVE = 12  # conforming rows
FEW = 4  # documented deviations whose rows are listed unasked
STATE = 12  # columns for the word of a state


def render(
    run: Run,
    console: Console,
    *,
    verbosity: int = 0,
    report: Path | str | None = None,
    opened: bool = False,
    since: tuple[str, list[Change]] | None = None,
) -> None:
    """Print a run.

    verbosity: -1 only what is wrong, 0 conforming rows and deviations in counts, 1 every row, 2 with replay lines.
    report: the page to name at the end.
    opened: the heading has been printed by `opening` already.
    since: the name of an earlier run, and what changed since then; shown first.
    """
    run, width = as_recorded(run), max(console.width, 40)
    if not opened:
        opening(run.run, console)
    changed = news(*since, width) if since else ()
    closing = wrapped(f"{headline(run)}   {duration(run.run.wall_time)}", width, "bold", indent="  ")
    body = _sections(worst_first(grouped(run.verdicts)), by_deviation(run.verdicts), width, verbosity)
    for line in itertools.chain(changed, body, closing):
        console.print(line, soft_wrap=True)
    if report is not None:
        console.print(Text(f"  report: {plain(str(report))}"), soft_wrap=True)


def opening(info: RunInfo, console: Console) -> None:
    """Print the heading of a run, which is known before the first decision."""
    for line in header(info):
        for part in wrapped(line, max(console.width, 40), "bold", indent=""):
            console.print(part, soft_wrap=True)
    console.print()


def header(info: RunInfo) -> list[str]:
    """What was run, what it looks for, and at which risk."""
    versions = ", ".join(f"{plain(k)} {plain(v)}" for k, v in foreign_versions(info).items())
    where = plain(" ".join(info.devices))
    power = f"finds {looked_for(info)}, false alarm {risk(info.alpha)}, false pass {risk(info.beta)}"
    if info.redraws:
        power += f", shared patterns in up to {info.redraws} tensors or {info.redraw_samples:.2g} scalars"
    first = " | ".join(filter(None, [f"varlaw {plain(info.varlaw)}", f"{versions} {where}".strip()]))
    return [first, f"policy {plain(info.policy)}: {power} per decision | salt {plain(info.salt)}"]


def duration(seconds: float) -> str:
    """A wall time for people.

    >>> duration(41.3), duration(125.0)
    ('41 s', '2 min 5 s')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _sections(groups: list[Group], met: list[Met], width: int, verbosity: int) -> Iterator[Text]:
    by_state = {s: [g for g in groups if g.state == s] for s in STYLES}
    conforming = by_state["conforms"]
    listed = verbosity > 0 or (verbosity == 0 and len(conforming) <= FOLD_ABOVE)
    known = [group for _, rows in met for group in rows]
    shown = [g for g in groups if g.state not in ("not applicable", "deviation") and (listed or g.state != "conforms")]
    columns = _columns(shown + known, width)
    for state in ("VIOLATES", "error"):
        yield from itertools.chain.from_iterable(_finding(g, columns) for g in by_state[state])
    if verbosity < 0:
        return
    yield from itertools.chain.from_iterable(_finding(g, columns) for g in by_state["undecided"])
    yield from _deviations(met, columns) if verbosity > 0 or len(met) <= FEW else causes(met, width)
    if listed:
        columns = _columns(conforming + known, width) if verbosity <= 0 else columns
        for group in conforming:
            yield from _row(group, columns)
            if verbosity > 1:
                yield _detail("replay: " + replay_command(group.worst), "dim")
    else:
        yield from folded(conforming, [g for g in groups if g.state not in QUIET], width)
    yield from not_applicable(by_state["not applicable"], width, listed=verbosity > 0)
    yield Text()


@dataclass(frozen=True)
class Columns:
    """The widths of the columns, in characters; `statement` and `effort` are 0 where they have lines of their own."""

    subject: int
    statement: int
    evidence: int
    effort: int
    line: int


def _columns(groups: Iterable[Group], line: int) -> Columns:
    verdicts = [g.worst for g in groups]
    subject = min(_longest(plain(v.subject) for v in verdicts), 44)
    measured = _longest(map(evidence, verdicts))
    rest = line - 2 - subject - 2 - STATE - measured
    cost = _longest(map(effort, verdicts))
    cost = cost if rest >= cost + 2 else 0
    statement = min(_longest(plain(v.statement) for v in verdicts), rest - cost - 4)
    return Columns(subject, statement if statement >= 18 else 0, measured, cost, line)


def _longest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=0)


def _row(group: Group, columns: Columns) -> Iterator[Text]:
    """Subject, law, state, ratio with interval, draws; what does not fit goes to a line of its own."""
    verdict, state = group.worst, group.state
    subject, statement = plain(group.subject), plain(verdict.statement)
    below = "" if len(statement) <= columns.statement else f"{plain(verdict.claim)}: {statement}"
    line = Text("  ").append(subject.ljust(columns.subject) + "  ")
    tail_width = max(STATE, len(state) + 2) + columns.evidence
    tail = Text(state.ljust(max(STATE, len(state) + 2)), style=STYLES[state])
    tail.append(evidence(verdict).ljust(columns.evidence) + "  ", style="default")
    tail.append(effort(verdict) if columns.effort else "", style="default")
    if columns.subject + 4 + tail_width > columns.line:
        line.rstrip()
        yield line
        line = Text(INDENT)
    elif len(subject) > columns.subject:
        yield line
        line = Text(" " * (columns.subject + 4))
    if columns.statement:
        line.append(("" if below else statement).ljust(columns.statement) + "  ", style="dim")
    line.append_text(tail).rstrip()
    yield line
    yield from wrapped(below, columns.line, "dim")


def _finding(group: Group, columns: Columns) -> Iterator[Text]:
    verdict, width = group.worst, columns.line
    yield from _row(group, columns)
    cost = "" if columns.effort or not effort(verdict) else f"from {effort(verdict)}"
    yield from wrapped("; ".join(filter(None, [_measured(verdict), cost])), width)
    if verdict.detail:
        yield from wrapped(plain(verdict.detail), width)
    if group.state == "undecided":
        yield from wrapped(undecided(verdict), width)
    case = case_text(verdict.case)
    word = "case" if len(group.verdicts) == 1 else "worst case"
    where = f"{word}: {case}" if case else ""
    yield from wrapped("; ".join(filter(None, [where, f"seen in {group.extent}"])), width)
    if verdict.replay:
        yield _detail(f"replay: {replay_command(verdict)}")


def _measured(verdict: Verdict) -> str:
    if verdict.expected is None and verdict.observed is None:
        return ""
    text = f"expected {plain(verdict.quantity)} {number(verdict.expected)}, measured {number(verdict.observed)}"
    return "; ".join(filter(None, [text, likely(verdict)]))


def _deviations(met: list[Met], columns: Columns) -> Iterator[Text]:
    """The rows that one documented deviation explains, then its reason, once."""
    for known, rows in met:
        yield from itertools.chain.from_iterable(_row(group, columns) for group in rows)
        ratios = {foreseen(group.worst.deviation) for group in rows if group.worst.deviation}
        expected = f", {ratios.pop()} foreseen" if len(ratios) == 1 and "" not in ratios else ""
        link = f" ({link_text(known.link)})" if known.link else ""
        yield from wrapped(f"documented as {plain(known.id)}{expected}: {plain(known.reason)}{link}", columns.line)
        yield from wrapped(standing(known), columns.line)


def _detail(text: str, style: str = "") -> Text:
    return Text(INDENT + text, style=style)
