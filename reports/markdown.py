"""The job summary: findings first as Markdown, never above the size at which a summary is dropped whole.

Guarantee: at most `LIMIT` bytes; a run too long for that ends with a pointer to the full report. Every text from
outside stands in a code span or is escaped, so it can neither draw a table row nor start a heading.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Final

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports.counts import headline
from varlaw.reports.groups import Group, beside, by_deviation, grouped, worst_first
from varlaw.reports.texts import hyperlink, link_text, number, plain, quantities, risk
from varlaw.reports.wording import (
    MEANINGS,
    STATES,
    SYMBOLS,
    case_text,
    evidence,
    likely,
    looked_for,
    replay_command,
    standing,
    undecided,
)

LIMIT: Final = 1024 * 1024  # bytes; GitHub drops a larger summary whole
# With what follows the summary stays below 100 lines.
CAUSES: Final = 8  # of findings that are told in full, in up to six lines each
DEVIATIONS: Final = 40  # that have a row of the table
BESIDE: Final = 10  # the same, beside findings
NAMED: Final = 20  # subjects of a line
POINTER: Final = "\n\n*Truncated here: the full report is in `index.html`, the records in `run.json`.*\n"


def render(run: Run, *, limit: int = LIMIT) -> str:
    """The summary of a run, at most `limit` bytes of UTF-8 (512 at least)."""
    parts: list[str] = []
    room = limit - len(POINTER.encode())
    for part in _parts(run):
        room -= len(part.encode())
        if room < 0:
            return "".join([*parts, POINTER])
        parts.append(part)
    return "".join(parts)


def _parts(run: Run) -> Iterator[str]:
    groups = worst_first(grouped(run.verdicts))
    yield f"## varlaw: {text(headline(run))}\n\n"
    yield f"{_risk(run)}\n\n"
    yield _counts(groups)
    by_state = {s: [g for g in groups if g.state == s] for s in STATES}
    room = CAUSES
    for state, title in (("VIOLATES", "Violations"), ("error", "Errors"), ("undecided", "Undecided")):
        if by_state[state]:
            causes = _causes(by_state[state])
            yield f"### {SYMBOLS[state]} {title}\n\n"
            yield from _findings(causes, room)
            room = max(0, room - len(causes))
    yield from _deviations(run, DEVIATIONS if room == CAUSES else BESIDE)
    yield from _conforming(by_state["conforms"], [g for g in groups if g.state != "conforms"])
    yield _reproduce(run)


def _risk(run: Run) -> str:
    info = run.run
    return (
        f"Policy {code(info.policy)}: finds errors of {looked_for(info)}, false alarm {risk(info.alpha)} and false "
        f"pass {risk(info.beta)} per decision; {quantities(info.decisions, 'decision')}, chance of any false alarm "
        f"at most {risk(info.alpha_budget)}; salt {code(info.salt)}."
    )


def _counts(groups: list[Group]) -> str:
    totals = {s: sum(g.counts.get(s, 0) for g in groups) for s in STATES}
    rows = [f"| {SYMBOLS[s]} {s} | {totals[s]:,} | {MEANINGS[s]} |\n" for s in STATES if totals[s]]
    return "| state | verdicts | meaning |\n|---|---:|---|\n" + "".join(rows) + "\n" if rows else ""


def _causes(groups: list[Group]) -> list[list[Group]]:
    """The rows of each claim that say the same, the worst first."""
    causes: dict[tuple[str, str], list[Group]] = {}
    for group in groups:
        causes.setdefault((group.claim, group.worst.statement), []).append(group)
    return list(causes.values())


def _findings(causes: list[list[Group]], room: int) -> Iterator[str]:
    """The worst row of each cause with the number of others, then in one line the causes that have no room."""
    for worst, *others in causes[:room]:
        yield _finding(worst) + (f"  and {_rows(others)}\n" if others else "")
    if rest := [group for cause in causes[room:] for group in cause]:
        yield f"- {quantities(len(causes[room:]), 'more cause')}: {_rows(rest)}\n"


def _rows(groups: list[Group]) -> str:
    names = list(dict.fromkeys(code(group.subject) for group in groups))
    more = f" and {len(names) - NAMED:,} more" if names[NAMED:] else ""
    return f"{quantities(len(groups), 'more row')}: {', '.join(names[:NAMED])}{more}"


def _finding(group: Group) -> str:
    verdict = group.worst
    head = f"- **{group.state}** {code(group.subject)}: {text(verdict.statement)} ({code(group.claim)})"
    lines = [_measured(verdict), text(verdict.detail), text(undecided(verdict)) if group.state == "undecided" else ""]
    lines.append(f"case {code(case_text(verdict.case))}, seen in {text(group.extent)}")
    lines.append(f"replay {code(replay_command(verdict))}" if verdict.replay else "")
    return head + "".join(f"  \n  {line}" for line in lines if line) + "\n"


def _measured(verdict: Verdict) -> str:
    if verdict.ratio is None and verdict.observed is None:
        return ""
    got = f"expected {text(verdict.quantity)} {number(verdict.expected)}, measured {number(verdict.observed)}"
    ratio = f"ratio {text(evidence(verdict))}" if verdict.ratio is not None else ""
    return "; ".join(filter(None, [got, ratio, text(likely(verdict))]))


def _deviations(run: Run, shown: int) -> Iterator[str]:
    """A table of the gravest deviations that the run met, then the names of the others."""
    met = by_deviation(run.verdicts)
    if met:
        yield f"\n<details><summary>{SYMBOLS['deviation']} Documented deviations: {len(met):,}</summary>\n\n"
        yield "| deviation | rows | worst | measured | reason |\n|---|---:|---|---|---|\n"
    for known, groups in met[:shown]:
        reason = f"{text(known.reason)} {_link(known.link)}".strip() + f" ({text(standing(known))})"
        worst = f"{code(groups[0].subject)}: {text(groups[0].worst.statement)}"
        row = (code(known.id), f"{len(groups):,}", worst, text(evidence(groups[0].worst)), reason)
        yield f"| {' | '.join(row)} |\n"
    if met[shown:]:
        yield f"\nAnd, of less consequence: {', '.join(code(known.id) for known, _ in met[shown:])}.\n"
    if met:
        yield "\n</details>\n"


def _conforming(groups: list[Group], others: list[Group]) -> Iterator[str]:
    """A line for each framework: what conforms is in the page and in the records, row by row."""
    for platform, members in itertools.groupby(sorted(groups, key=lambda g: g.platform), lambda g: g.platform):
        rows = list(members)
        verdicts = quantities(sum(len(g.verdicts) for g in rows), "verdict")
        subjects = quantities(len({g.subject for g in rows}), "subject")
        extent = f"{verdicts} on {quantities(len(rows), 'row')} of {subjects}"
        yield f"\n{SYMBOLS['conforms']} {text(platform)}: {extent} conform{beside(others, platform)}.\n"


def _reproduce(run: Run) -> str:
    info = run.run
    versions = ", ".join(f"{k} {v}" for k, v in info.versions.items() if k != "varlaw")
    parts = [f"varlaw {info.varlaw}", versions, f"Python {info.python}", info.platform, info.cpu]
    parts += [info.hardware, info.blas, info.commit and f"commit {info.commit}"]
    return f"\n{text(', '.join([*filter(None, parts), quantities(info.threads, 'thread'), *info.devices]))}\n"


def _link(link: str) -> str:
    address = hyperlink(link)
    return f"[{text(link_text(link))}]({address.replace(')', '%29').replace('|', '%7C')})" if address else text(link)


def text(raw: str) -> str:
    r"""`raw` as Markdown text in which no character has a meaning.

    >>> text("a*b <i>")
    'a\\*b &lt;i&gt;'
    """
    safe = plain(raw).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$@!])", r"\\\1", safe)


def code(raw: str) -> str:
    """`raw` as a code span, whatever backticks it holds; inside tables a bar is escaped too.

    >>> code("a`b")
    '`` a`b ``'
    """
    safe = plain(raw).replace("|", "\\|")
    longest = max((len(list(run)) for tick, run in itertools.groupby(safe) if tick == "`"), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {safe} {fence}" if longest else f"`{safe}`" if safe else ""
