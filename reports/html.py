"""The page of a run: one file that works from disk, shows what breaks within ten seconds, and opens every number.

Guarantee: nothing is loaded (a content security policy forbids it, and allows no script but the page's own), every
text from outside is escaped, equal records give equal bytes, and no page exceeds `LIMIT` bytes: the evidence of
conforming verdicts is what gives way first, to a pointer to the records.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from varlaw.claims.verdict import Run
from varlaw.reports import charts, founding, ratio_axis, texts
from varlaw.reports.counts import headline, looser, tally, unmeasured
from varlaw.reports.diff import compare
from varlaw.reports.embedded_json import embedded
from varlaw.reports.groups import PRESENT, Group, by_detail, by_deviation, grouped, worst_first
from varlaw.reports.matrix import boards, glance
from varlaw.reports.merge import merged
from varlaw.reports.pages import ALONE, LIMIT, Bar, picture, template
from varlaw.reports.schema import as_recorded
from varlaw.reports.shorten import abridged
from varlaw.reports.wording import STATES

KEPT: Final = 30_000  # verdicts whose evidence the page tries to carry
CARDS: Final = 200  # findings shown in full; the others are in the matrix
ROWS: Final = 400  # rows of the tables of what is undecided and what deviates
FEW: Final = 3  # rows of a deviation that has a page of its own
OPENED: Final = 6  # findings unfolded from the start


def render(
    *runs: Run,
    bar: Bar = ALONE,
    laws: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None,
    records: str = "",
) -> str:
    """The page of one run, or of several with their versions side by side, at most `LIMIT` bytes of UTF-8.

    `laws` gives the address of the page of each law, `known` that of each documented deviation, `records` the marks of
    the records beside it.
    """
    runs = tuple(abridged(as_recorded(run)) for run in runs)
    run = merged(runs)
    groups = grouped(run.verdicts)
    same = {**_same(runs, run, laws or {}), "bar": bar.at("Report"), "known": known or {}, "records": records}
    kept, cards = min(len(run.verdicts), KEPT), CARDS
    while True:
        page = template("page.html.j2").render(**same, **_room(groups, run, kept, cards, laws or {}, known or {}))
        size = len(page.encode())
        if size <= LIMIT or cards <= 1:
            return page
        if kept == 0:
            cards //= 2
        kept = int(kept * min(0.6, 0.9 * LIMIT / size)) if kept > 100 else 0


def _same(runs: Sequence[Run], run: Run, laws: Mapping[str, str]) -> dict[str, Any]:
    """What the page says however much room there is."""
    groups = grouped(run.verdicts)
    chosen = charts.selection(groups, quiet=True)
    return {
        "run": run,
        "runs": runs,
        "laws": laws,
        "info": run.run,
        "headline": headline,
        "looser": looser(run),
        "verdict_line": conclusion(run),
        "counts": tally(run.verdicts),
        "reasons": by_detail(g for g in groups if g.state == "not applicable"),
        "total": len(run.verdicts),
        "opened": OPENED,
        "founding": founding.lines(groups),
        "comparisons": [(a, b, compare(a, b)) for a, b in itertools.pairwise(runs) if _comparable(a, b)],
        "chosen": chosen,
        "drawn": picture(charts.forest(chosen)) if chosen else None,
        "ticks": ratio_axis.ticks(),
        "slots": ratio_axis.SLOTS,
    }


def _room(
    groups: list[Group], run: Run, kept: int, cards: int, laws: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, Any]:
    """The evidence of at most `kept` verdicts, the worst ones, `cards` findings in full, and twice as many rows."""
    shown = _within(groups, kept)
    ordered = worst_first(groups)
    of_state = {s: [g for g in ordered if g.state == s] for s in STATES}
    broken = of_state["VIOLATES"] + of_state["error"]
    met = by_deviation(run.verdicts)
    rows = ROWS * cards // CARDS
    return {
        "of_state": of_state,
        "cards": broken[:cards],
        "uncarded": max(len(broken) - cards, 0),
        "cell": {group.key: k for k, group in enumerate(shown)},
        "boards": (found := boards([g for g in shown if g.claim != PRESENT])),
        "glance": glance(found),
        "marks": ratio_axis.marks(broken[:cards], of_state["undecided"][:rows], met[:rows], known),
        "deviations": met[:rows],
        "undeviated": max(len(met) - rows, 0),
        "unmeasured": unmeasured(run.verdicts),
        "each": max(1, min(FEW if known else ROWS, rows // max(1, len(met)))),
        "limit": rows,
        "folded": len(groups) - len(shown),
        "embedded": embedded(shown, laws),
    }


def _comparable(a: Run, b: Run) -> bool:
    return bool(_frameworks(a) & _frameworks(b))


def _frameworks(run: Run) -> set[str]:
    return {group.verdicts[0].framework for group in grouped(run.verdicts)}


def conclusion(run: Run) -> str:
    """The one sentence at the top of the page."""
    counts = tally(run.verdicts)
    wrong = len({group.key[:3] for group in grouped(run.verdicts) if "VIOLATES" in group.counts})
    errors, open_ = counts.get("error", 0), counts.get("undecided", 0)
    if wrong:
        return f"{texts.quantities(wrong, 'subject')} {'violates its law' if wrong == 1 else 'violate their laws'}"
    if errors:
        return f"No violation found, but {texts.quantities(errors, 'subject run', 'subject runs')} ended in an error"
    if not counts:
        return "Nothing was checked"
    if open_:
        return f"No violation found; {texts.quantities(open_, 'verdict')} undecided"
    if not counts.keys() & {"conforms", "deviation"}:
        return "No law applies to what was checked"
    return "Every verdict conforms" + (" or deviates as documented" if counts.get("deviation") else "")


def _within(groups: list[Group], kept: int) -> list[Group]:
    """The groups whose evidence the page carries, in their order: the worst ones, up to `kept` verdicts."""
    chosen: set[int] = set()
    for group in worst_first(groups):
        kept -= len(group.verdicts)
        if kept < 0:
            break
        chosen.add(id(group))
    return [group for group in groups if id(group) in chosen]
