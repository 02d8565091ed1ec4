"""The picture of all findings: one mark a finding on one log2 axis, and places beside it for what has no logarithm.

Vocabulary: *mark* (a finding: an undocumented violation, what is undecided, a documented deviation with all its rows),
*slot* (a place left of the broken axis: 0, a changed sign, no number).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from varlaw.claims.verdict import Deviation, Verdict
from varlaw.reports.groups import Group
from varlaw.reports.pages import anchor
from varlaw.reports.wording import evidence

MARKS: Final = 150
OTHERS: Final = 60  # rows of a finding beside its worst
OCTAVES: Final = 3  # on each side of the law; what lies beyond is drawn at the end
WIDTH, START, END = 420, 118, 404  # units of the drawing: the axis lies between the last two
SLOTS: Final = {"0": 14, "sign": 44, "NaN": 76}
TICKS: Final = ((-3, "1/8"), (-2, "1/4"), (-1, "1/2"), (0, "law"), (1, "2"), (2, "4"), (3, "8"))


@dataclass(frozen=True)
class Mark:
    """One finding: where its worst row stands with its interval, where its other rows stand, and its address."""

    name: str
    says: str
    state: str
    address: str
    at: float
    beyond: str  # "left", "right" of the axis, or ""
    span: tuple[float, float] | None
    others: tuple[float, ...]
    foreseen: tuple[float, float] | None
    text: str


def marks(
    broken: Sequence[Group], undecided: Sequence[Group], met: Sequence[tuple[Deviation, list[Group]]],
    addresses: Mapping[str, str],
) -> list[Mark]:  # fmt: skip
    """A mark for each finding that has a number or has lost it, in the order given."""
    found = [_mark(g.subject, g.worst.statement, f"#finding/{_name(g)}", [g]) for g in broken if g.state != "error"]
    found += [_mark(g.subject, g.worst.statement, f"#evidence/{_place(g)}", [g]) for g in undecided]
    for known, rows in met:
        where = addresses.get(known.id, f"#finding/{anchor(known.id)}")
        found.append(_mark(known.id, known.reason, where, rows))
    return found[:MARKS]


def ticks() -> list[tuple[float, str]]:
    """Where the axis is marked, and with what."""
    return [(_along(2.0**octave), label) for octave, label in TICKS]


def _name(group: Group) -> str:
    return "/".join(map(anchor, group.key))


def _place(group: Group) -> str:
    return "/".join(map(anchor, (group.platform, group.subject, group.claim)))


def _mark(name: str, says: str, address: str, rows: Sequence[Group]) -> Mark:
    verdict = rows[0].worst
    at = position(verdict)
    others = sorted({position(row.worst) for row in rows[1 : OTHERS + 1]} - {at})
    beyond = "" if at < START else "left" if at == START else "right" if at == END else ""
    text = evidence(verdict) or "no number"
    foreseen = _foreseen(verdict.deviation) if len(rows) == 1 else None
    return Mark(name, says, rows[0].state, address, at, beyond, _span(verdict), tuple(others), foreseen, text)


def of_row(group: Group) -> Mark:
    """One row alone, with what was foreseen of it."""
    return _mark(group.subject, group.worst.statement, "", [group])


def _foreseen(known: Deviation | None) -> tuple[float, float] | None:
    """Between which places a deviation was foreseen; None where any size was, or no finite number."""
    if known is None or not known.sized:
        return None
    low, high = (known.ratio, known.ratio) if known.ratio is not None or known.range is None else known.range
    return None if low is None or high is None else (_place_of(low), _place_of(high))


def position(verdict: Verdict) -> float:
    """Where a verdict stands, in units of the drawing."""
    ratio = verdict.ratio
    if ratio is None and verdict.expected == 0 and verdict.observed:
        ratio = math.inf
    if ratio is None or math.isnan(ratio):
        return SLOTS["NaN"]
    return _place_of(ratio)


def _place_of(ratio: float) -> float:
    return _along(ratio) if ratio > 0 else SLOTS["0"] if ratio == 0 else SLOTS["sign"]


def _along(ratio: float) -> float:
    octaves = min(max(math.log2(ratio), -OCTAVES), OCTAVES)
    return round(START + (END - START) * (octaves + OCTAVES) / (2 * OCTAVES), 1)


def _span(verdict: Verdict) -> tuple[float, float] | None:
    if verdict.interval is None or not verdict.ratio or verdict.ratio < 0:
        return None
    low, high = verdict.interval
    return _along(max(low or 0.0, 2.0**-9)), _along(min(high or math.inf, 2.0**9))
