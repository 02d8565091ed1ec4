"""A page for each framework: every subject that a run looked at, the law that it states, and whether it holds."""

import operator
import re
from typing import Any, Final

from varlaw.claims.verdict import Run
from varlaw.reports.groups import Group, grouped, together, worst_first
from varlaw.reports.merge import version_order
from varlaw.reports.pages import LIMIT, template
from varlaw.reports.words import severity

FOLDER: Final = "frameworks"
INDEX: Final = f"{FOLDER}/index.html"
SUBJECTS: Final = 10_000  # that a page tries to hold
_RESERVED: Final = {"con", "prn", "aux", "nul"}  # no file can be called so on Windows


def pages(run: Run) -> dict[str, str]:
    """The pages of all frameworks in a run, by their address, and an index."""
    frameworks: dict[str, list[Group]] = {}
    for group in grouped(run.verdicts):
        frameworks.setdefault(group.verdicts[0].framework, []).append(group)
    names = _addresses(list(frameworks))
    rows = [_summary(name, groups, names[name]) for name, groups in frameworks.items()]
    found = {f"{FOLDER}/{row['address']}": _page(row, _subjects(frameworks[row["name"]])) for row in rows}
    return {**found, INDEX: template("frameworks.html.j2").render(rows=rows)}


def _page(summary: dict[str, Any], subjects: list[tuple[str, list[Group]]]) -> str:
    """One framework's page of at most `LIMIT` bytes: where there are too many subjects, those that conform go first."""
    ranked = sorted(subjects, key=_rank)
    kept = min(len(subjects), SUBJECTS)
    while True:
        shown = sorted(ranked[:kept], key=operator.itemgetter(0))
        page = template("framework.html.j2").render(**summary, subjects=shown, more=len(subjects) - kept)
        if len(page.encode()) <= LIMIT or kept == 0:
            return page
        kept //= 2


def _rank(row: tuple[str, list[Group]]) -> tuple[int, str]:
    return min(severity(group.state) for group in row[1]), row[0]


def _addresses(names: list[str]) -> dict[str, str]:
    """A file name for each framework; names that would collide are numbered."""
    taken: dict[str, str] = {}
    for name in names:
        safe = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:60] or "framework"
        safe = f"{safe}-" if safe in _RESERVED else safe
        unique, k = f"{safe}.html", 2
        while unique in taken.values() or unique == "index.html":
            unique, k = f"{safe}-{k}.html", k + 1
        taken[name] = unique
    return taken


def _summary(name: str, groups: list[Group], address: str) -> dict[str, Any]:
    return {
        "name": name,
        "address": address,
        "versions": sorted({g.verdicts[0].version for g in groups}, key=version_order),
        "subject_count": len({g.subject for g in groups}),
        "counts": together(groups),
        "total": sum(len(g.verdicts) for g in groups),
    }


def _subjects(groups: list[Group]) -> list[tuple[str, list[Group]]]:
    """The rows of each subject, subjects by name, the worst row of each first."""
    members: dict[str, list[Group]] = {}
    for group in groups:
        members.setdefault(group.subject, []).append(group)
    return [(subject, worst_first(members[subject])) for subject in sorted(members)]
