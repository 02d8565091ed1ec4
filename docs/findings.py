"""The pages of findings: every documented deviation, ranked, and a draft of a report for each broken promise.

A file in `verify/deviations/reproductions/` is named after its framework; its first line names the rows that it shows;
what it prints stands in comments below each `print`. Rows that one reproduction shows, or one reason, stand
together. First come broken promises, then choices, then laws that nobody promised; within each what loses a signal or a
gradient, what is wrong with weights, with other statistics, with the last bits, and the largest first.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from catalogue import prose

from varlaw.reports.groups import follows
from varlaw.reports.typed import typed
from varlaw.verify.deviations import Row, body, heading, ids_in, measured, reproduction_files, rows

ORDER = ("broken", "choice", "law")
TITLES = {
    "broken": "Broken promises",
    "choice": "Documented choices",
    "law": "Laws that nobody promised",
}
ABOUT = {
    "broken": "The library says one thing and does another: these are defects. Each promise is quoted, with its place.",
    "choice": "The library says that it does not follow the law, or means another one.",
    "law": "The law is one of ours and the library promises nothing here; a user is off by as much all the same.",
}
FOLLOWS = (
    "A signal or a gradient is lost, or NaN", "Weights, or what they keep, are off", "Other statistics are off",
    "The last bits are off",
)  # fmt: skip


class Finding(NamedTuple):
    """Rows that belong together, and the reproduction that shows them."""

    title: str
    rows: tuple[Row, ...]
    script: str = ""

    @property
    def standing(self) -> str:
        """The first of `ORDER` that any row has."""
        return min((row.standing for row in self.rows), key=ORDER.index)

    @property
    def rank(self) -> tuple[int, int, float]:
        """Standing, what follows for a user, and how far from the law."""
        worst = min((follows(row.claim, distance(row)), -distance(row)) for row in self.rows)
        return ORDER.index(self.standing), *worst


def write(folder: Path) -> None:
    """Write `findings.md`, a page for each framework, and `drafts.md` below a folder."""
    inside = folder / "findings"
    inside.mkdir(parents=True, exist_ok=True)
    found = pages()
    for stale in set(inside.glob("*.md")) - {inside / f"{name}.md" for name in found}:
        stale.unlink()
    for name, text in found.items():
        (inside / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / "findings.md").write_text(index(), encoding="utf-8")
    (folder / "drafts.md").write_text(drafts(), encoding="utf-8")


def ranked() -> list[Finding]:
    """All findings, broken promises first, then by what follows for a user."""
    known = {row.id: row for row in rows()}
    found: list[Finding] = []
    for text in reproduction_files().values():
        members = [known[name] for name in ids_in(text) if name in known]
        found.append(Finding(heading(text), tuple(members), body(text).rstrip()))
    told = {row.id for finding in found for row in finding.rows}
    rest: dict[tuple[str, str], list[Row]] = {}
    for row in known.values():
        if row.id not in told:
            rest.setdefault((row.framework, row.reason), []).append(row)
    found += [Finding(members[0].id, tuple(members)) for members in rest.values()]
    return sorted((f for f in found if f.rows), key=lambda f: f.rank)


def distance(row: Row) -> float:
    """How far from its law a row was measured: |ln ratio|, infinite where that is none, 0 where nobody measured."""
    table = measured.sizes(row.framework)
    bands = itertools.chain(*table.rows.get(row.id, {}).values()) if table else iter(())
    seen = [float(end) for band in bands for end in band[:2]]
    return max((_far(size) for size in [*seen, *([] if row.measured is None else [row.measured])]), default=0.0)


def _far(ratio: float) -> float:
    return abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf


# -- the page ----------------------------------------------------------------------------------------------------------


HEAD = (
    "# Findings",
    "",
    "Where released code and a law disagree, and the disagreement is known or intended. Each row is data in",
    "[verify/deviations](../guide-deviation.md): a run of `varlaw verify` must meet it, at the ratio",
    "foreseen, confirmed by a second, independent measurement; if upstream fixes it, the run fails and the row",
    "goes. For each broken promise there is a [draft of a report](drafts.md) to its maintainers.",
    "",
    "What to do about what you meet here:",
    "",
    "- **A signal or a gradient is lost**: keep norms, losses and clipping in float32, look whether gradients are",
    "  finite before you clip them, or take [our norms and our clipping](../reference-torch.md), which obey.",
    "- **Weights are off**: initialise by the law that you mean; [`varlaw advise`](../tutorial-advise.md) says by",
    "  which, layer by layer.",
    "- **Another statistic is off**: reckon with the number that was measured; it stands beside each row.",
    "- **The last bits are off**: nothing, unless you compare two implementations number by number.",
    "",
)


def index() -> str:
    """How many findings of each standing the frameworks have, and the broken promises, the gravest first."""
    counts = Counter((row.framework, row.standing) for row in rows())
    frameworks = sorted({framework for framework, _ in counts})
    table = (
        f"| [{name}](findings/{name}.md) | {' | '.join(str(counts[name, standing]) for standing in ORDER)} |"
        for name in frameworks
    )
    lines = [*HEAD, f"| framework | {' | '.join(TITLES[s].lower() for s in ORDER)} |", "|---|---|---|---|", *table, ""]
    broken = [finding for finding in ranked() if finding.standing == "broken"]
    for place, some in itertools.groupby(broken, key=lambda f: f.rank[1]):
        lines += [f"## {TITLES['broken']}: {FOLLOWS[place]}", "", *map(_line, some), ""]
    toctree = ["```{toctree}", ":hidden:", "", *(f"findings/{name}" for name in frameworks), "```", ""]
    return "\n".join([*lines, *toctree])


def _line(finding: Finding) -> str:
    first = next(row for row in finding.rows if row.standing == "broken")
    return f"- [{first.framework}](findings/{first.framework}.md): {prose(typed(first.reason))} (`{first.id}`)"


def pages() -> dict[str, str]:
    """The findings of each framework, ranked."""
    of: dict[str, list[Finding]] = {row.framework: [] for row in rows()}
    for finding in ranked():
        of[finding.rows[0].framework].append(finding)
    return {name: "\n".join([f"# Findings: {name}", "", *_listed(found)]) for name, found in of.items()}


def _listed(found: Sequence[Finding]) -> Iterator[str]:
    for standing, members in itertools.groupby(found, key=lambda f: f.standing):
        yield from [f"## {TITLES[standing]}", "", ABOUT[standing], ""]
        for place, some in itertools.groupby(members, key=lambda f: f.rank[1]):
            yield from [f"### {FOLLOWS[place]}", "", *(line for finding in some for line in _shown(finding))]


def _shown(finding: Finding) -> Iterator[str]:
    yield from [f"#### {finding.title}", "", *(line for row in finding.rows for line in _row(row))]
    if finding.script:
        yield from ["```python", *finding.script.splitlines(), "```", ""]


def _row(row: Row) -> list[str]:
    where = "" if row.when == "True" else f" where `{row.when}`"
    upstream = f" Upstream: <{row.link}>." if row.link else ""
    verb = "Promised" if row.standing == "broken" else "It says"
    promise = f' {verb}: "{prose(typed(row.promise))}" ({_place(row.promised_at)}).' if row.promise else ""
    return [
        f"`{row.id}`",
        f": {prose(typed(row.reason))}{promise}",
        "",
        f"  `{row.claim}` of {_subjects(row)}{where}; observed / expected: {_size(row)};",
        f"  {row.framework} {prose(row.versions)}.{upstream}",
        "",
    ]


def _place(where: str) -> str:
    return f"<{where}>" if where.startswith("http") else f"`{where}`"


def _size(row: Row) -> str:
    size = f"`{row.ratio}`" if row.ratio else "within a range that was measured"
    return size + ("" if row.measured is None else f", {row.measured:g} when the row was written")


def _subjects(row: Row) -> str:
    """One, two or three subjects; of more the first two and how many."""
    some = [f"`{one}`" for one in row.subjects]
    return ", ".join(some if len(some) <= 3 else [*some[:2], f"{len(some) - 2} more"])


# -- drafts ------------------------------------------------------------------------------------------------------------


def drafts() -> str:
    """A report to send upstream for each broken promise, as text."""
    lines = [
        "# Drafts of reports",
        "",
        "One for each [broken promise](findings.md), the gravest first: the promise, what was measured, a script where",
        "there is one, and the versions. Nothing was sent. Whoever sends one reads the library's tracker first, and",
        "runs the script, or the claim, on the newest version.",
        "",
    ]
    for finding in ranked():
        broken = [row for row in finding.rows if row.standing == "broken"]
        if broken:
            lines += [
                f"## {broken[0].framework}: {finding.title}",
                "",
                "````text",
                *_draft(finding, broken),
                "````",
                "",
            ]
    return "\n".join(lines) + "\n"


def _draft(finding: Finding, broken: list[Row]) -> Iterator[str]:
    """Promise, facts, script, versions."""
    for where, promise in dict.fromkeys((row.promised_at, row.promise) for row in broken):
        yield from [f"The documentation of {where} says:", "", f"> {promise}", ""]
    yield "What happens instead:"
    yield ""
    for row in broken:
        formats = f" In {', '.join(row.dtypes)}." if row.dtypes else ""
        yield f"- {row.reason}{formats} ({', '.join(row.subjects)}; observed / expected: {_size(row).replace('`', '')})"
    yield ""
    if finding.script:
        yield from ["```python", *finding.script.splitlines(), "```", "", "The comments show what it prints here."]
    else:
        found = broken[0]
        yield f"To see it: varlaw verify '{found.subjects[0]}' --claim '{found.claim}'"
    tried = sorted({v for row in broken if (table := measured.sizes(row.framework)) for v in table.versions})
    yield from ["", f"Versions: {broken[0].framework} {', '.join(tried) or broken[0].versions}."]
