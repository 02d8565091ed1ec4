"""A page for each documented deviation that a run met: cause, meaning, rows, measured against foreseen, how to see it.

Everything is read from the records: the texts of a deviation, the script that shows it, the law that it breaks.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from varlaw.claims.verdict import Deviation, Run, Verdict
from varlaw.reports import ratio_axis, texts
from varlaw.reports.groups import Group, by_deviation, consequence
from varlaw.reports.pages import ALONE, Bar, template

FOLDER: Final = "deviations"
INDEX: Final = f"{FOLDER}/index.html"
ROWS: Final = 300
PAGES: Final = 2000

# What follows for a user -> in words, in the order of `groups.consequence`.
MEANINGS: Final = (
    ("Gradients or signals lost", "A signal or a gradient is lost or not a number here: what depends on it stops "
     "learning, or spoils what it is added to. Keep this step in float32, look whether gradients are finite before "
     "they are clipped, or take an implementation that obeys, such as those of varlaw.impl."),
    ("Another start", "A network starts with weights or signals of another size than the law keeps; through many "
     "layers the factor multiplies. Initialise by the law that is meant: varlaw advise says by which, layer "
     "by layer."),
    ("Another statistic", "A statistic, a limit or a constant is not what it is said to be; whoever relies on that "
     "number gets another one. Reckon with the number that was measured."),
    ("Last digits", "The difference is below 1 %: no training shows it, a comparison of numbers between two "
     "implementations does. Nothing to do but for such a comparison."),
)  # fmt: skip


def addresses(run: Run) -> dict[str, str]:
    """The address of the page of each deviation that a run met, by its id; names that would collide are numbered."""
    taken: dict[str, str] = {}
    for known, _ in by_deviation(run.verdicts)[:PAGES]:
        safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", known.id).strip("-.")[:100] or "deviation"
        unique, k = safe, 2
        while f"{FOLDER}/{unique}.html" in (*taken.values(), INDEX):
            unique, k = f"{safe}-{k}", k + 1
        taken.setdefault(known.id, f"{FOLDER}/{unique}.html")
    return taken


def pages(run: Run, laws: Mapping[str, str], bar: Bar = ALONE) -> dict[str, str]:
    """The pages by address, the index among them; `laws` gives the address of the page of each law."""
    bar = bar.at("Deviations", "../")
    where = addresses(run)
    met: dict[str, list[tuple[Deviation, list[Group]]]] = {}
    for known, rows in by_deviation(run.verdicts):
        if known.id in where:
            met.setdefault(known.id, []).append((known, rows))
    found = {where[name]: _page(causes, laws, bar) for name, causes in met.items()}
    kinds: list[list[dict[str, Any]]] = [[] for _ in MEANINGS]
    for name, causes in met.items():
        rows = [group for _, members in causes for group in members]
        row = {"known": causes[0][0], "address": where[name].removeprefix(f"{FOLDER}/"), "rows": rows}
        kinds[consequence(rows[0])].append(row)
    listed = [(*MEANINGS[k], kind) for k, kind in enumerate(kinds) if kind]
    return {**found, INDEX: template("deviations.html.j2").render(bar=bar, kinds=listed, total=len(met))}


def _page(causes: Sequence[tuple[Deviation, list[Group]]], laws: Mapping[str, str], bar: Bar) -> str:
    groups = [group for _, rows in causes for group in rows]
    verdicts = [verdict for group in groups for verdict in group.verdicts]
    promises = {(v.law, v.statement): laws.get(v.law, "") for v in verdicts}
    return template("deviation.html.j2").render(
        bar=bar,
        known=causes[0][0],
        reasons=list(dict.fromkeys(known.reason for known, _ in causes)),
        meaning=MEANINGS[consequence(groups[0])],
        promises=list(promises.items())[:12],
        groups=groups[:ROWS],
        more=max(len(groups) - ROWS, 0),
        extent=_extent(groups),
        shown=_shortest(verdicts, "reproduction"),
        replayed=_shortest(verdicts, "replay"),
        mark=ratio_axis.of_row,
        ticks=ratio_axis.ticks(),
        slots=ratio_axis.SLOTS,
    )


def _extent(groups: Sequence[Group]) -> str:
    """Where it was met, in words: subjects, verdicts, dtypes, versions."""
    subjects = len({group.subject for group in groups})
    verdicts = sum(len(group.verdicts) for group in groups)
    dtypes = dict.fromkeys(v.dtype for group in groups for v in group.verdicts if v.dtype)
    versions = dict.fromkeys(group.platform for group in groups)
    where = f"{texts.quantities(subjects, 'subject')}, {texts.quantities(verdicts, 'verdict')}"
    return "; ".join([where, ", ".join(dtypes), ", ".join(versions)])


def _shortest(verdicts: Sequence[Verdict], field: str) -> Verdict | None:
    """The verdict whose script or key is the shortest; None where none has one."""
    return min((v for v in verdicts if getattr(v, field)), key=lambda v: len(getattr(v, field)), default=None)
