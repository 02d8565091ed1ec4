"""Pages for each framework: every subject that a run looked at, the law that it states, and whether it holds.

A framework with many subjects has several pages, so that each can be read on a telephone; each subject has an address.
"""

import functools
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from varlaw.claims.verdict import Run
from varlaw.reports.groups import PRESENT, Group, grouped, together, worst_first
from varlaw.reports.merge import version_order
from varlaw.reports.pages import ALONE, LIMIT, Bar, template
from varlaw.reports.wording import severity

FOLDER: Final = "frameworks"
INDEX: Final = f"{FOLDER}/index.html"
SUBJECTS: Final = 100  # of one page
PARTS: Final = 400  # pages of one framework
_RESERVED: Final = {"con", "prn", "aux", "nul"}  # no file can be called so on Windows

Rows = Sequence[tuple[str, list[Group]]]  # a subject, and its groups, the worst first


@dataclass(frozen=True)
class Part:
    """One page: its address, and the subjects that stand on it."""

    address: str
    subjects: Rows
    render: Callable[[], str]  # only then is the page there: a large run has hundreds


def parts(run: Run, bar: Bar = ALONE) -> list[Part]:
    """The pages of all frameworks in a run."""
    bar = bar.at("Frameworks", "../")
    frameworks = _frameworks(run)
    names = _addresses(list(frameworks))
    return [part for name, groups in frameworks.items() for part in _parts(name, groups, names[name], bar)]


def index(run: Run, bar: Bar = ALONE) -> str:
    """The page that lists the frameworks."""
    frameworks = _frameworks(run)
    names = _addresses(list(frameworks))
    rows = [_summary(name, groups) | {"address": names[name]} for name, groups in frameworks.items()]
    return template("frameworks.html.j2").render(bar=bar.at("Frameworks", "../"), rows=rows)


def _frameworks(run: Run) -> dict[str, list[Group]]:
    frameworks: dict[str, list[Group]] = {}
    for group in (g for g in grouped(run.verdicts) if g.claim != PRESENT):
        frameworks.setdefault(group.verdicts[0].framework, []).append(group)
    return frameworks


def _parts(name: str, groups: list[Group], address: str, bar: Bar) -> list[Part]:
    """The pages of one framework; of more subjects than `PARTS` pages hold, those that conform go first."""
    subjects = _subjects(groups)
    kept = sorted(sorted(subjects, key=_rank)[: SUBJECTS * PARTS], key=operator.itemgetter(0))
    step = math.ceil(len(kept) / math.ceil(len(kept) / SUBJECTS))
    chunks = [kept[k : k + step] for k in range(0, len(kept), step)]
    contents = [(_numbered(address, k), chunk[0][0], chunk[-1][0]) for k, chunk in enumerate(chunks)]
    said = {**_summary(name, groups), "bar": bar, "contents": contents, "more": len(subjects) - len(kept)}
    return [
        Part(f"{FOLDER}/{contents[k][0]}", chunk, functools.partial(_page, said, k, chunk))
        for k, chunk in enumerate(chunks)
    ]


def _page(said: dict[str, Any], k: int, subjects: Rows) -> str:
    """One page of at most `LIMIT` bytes: where a subject has too much to say, the least telling of it goes."""
    most = max(len(groups) for _, groups in subjects)
    while True:
        shown = [(subject, groups[:most], len(groups[most:])) for subject, groups in subjects]
        page = template("framework.html.j2").render(**said, part=k, subjects=shown)
        if len(page.encode()) <= LIMIT or most <= 1:
            return page
        most //= 2


def _numbered(address: str, k: int) -> str:
    return address if k == 0 else f"{address.removesuffix('.html')}.{k + 1}.html"


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


def _summary(name: str, groups: list[Group]) -> dict[str, Any]:
    return {
        "name": name,
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
