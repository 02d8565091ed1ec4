"""Rows of every report: the verdicts of one claim about one subject, over all dtypes, devices and cases, worst first.

Vocabulary: *group* (one cell of the matrix: subject x claim), *worst* (the verdict shown for its group: all that a row
shows, its replay line too, is of this one case).
"""

import functools
import math
import operator
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from varlaw.claims.verdict import Deviation, Verdict
from varlaw.reports.counts import apart, is_unsized
from varlaw.reports.records import Some, once
from varlaw.reports.texts import quantities
from varlaw.reports.wording import STATES, one_sided, severity

PRESENT: Final = "framework.present"  # the claim by which a run says what is not there


class Group:
    """All verdicts about one claim for one subject of one framework version; never empty.

    A run may have half a million groups, and their verdicts may be in a file: of them a group keeps what it counted.
    """

    __slots__ = ("_seen", "verdicts")

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts = verdicts
        self._seen: _Seen | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Framework, version, subject and claim: no two groups of a run share it."""
        return row_key(self.verdicts[0])

    @property
    def subject(self) -> str:
        return self.verdicts[0].subject

    @property
    def claim(self) -> str:
        return self.verdicts[0].claim

    @property
    def platform(self) -> str:
        """The framework and its version, as a column of the matrix is called."""
        return f"{self.verdicts[0].framework} {self.verdicts[0].version}".strip()

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts are in each state, worst first."""
        return dict(self._look().counts)

    def told_apart(self, asked: float) -> dict[str, int]:
        """The same, apart those that conform to within larger errors than `asked`, and deviations of unknown size."""
        return apart(self.counts, dict(self._look().deltas), asked, self.unsized)

    @property
    def state(self) -> str:
        return self._look().counts[0][0]

    @property
    def worst(self) -> Verdict:
        """The verdict that stands for the group: of the worst state, the one furthest from its law, in a small case."""
        return self.verdicts[self._look().worst]

    @property
    def distance(self) -> float:
        """How far the worst verdict lies from its law."""
        return self._look().distance

    @property
    def measured(self) -> bool:
        """Whether the worst verdict has a ratio."""
        return self._look().measured

    @property
    def unsized(self) -> int:
        """How many verdicts are documented deviations whose size nobody measured."""
        return self._look().unsized

    @property
    def affected(self) -> list[str]:
        """The dtypes in which the worst state is seen, in order of appearance."""
        return list(dict.fromkeys(v.dtype for v in self.verdicts if v.state == self.state))

    @property
    def extent(self) -> str:
        """In how many cases the worst state is seen, and in which dtypes."""
        bad, total = self.counts[self.state], len(self.verdicts)
        cases = f"{bad} of {quantities(total, 'case')}" if bad < total else quantities(total, "case")
        return ", ".join(filter(None, [cases, " ".join(self.affected)]))

    def _look(self) -> "_Seen":
        if self._seen is None:
            self._seen = _seen(self.verdicts)
        return self._seen


class _Seen(NamedTuple):
    """What one pass over the verdicts of a group found; `worst` is a place among them."""

    counts: tuple[tuple[str, int], ...]
    deltas: tuple[tuple[float, int], ...]  # of those that conform
    worst: int
    distance: float
    measured: bool
    unsized: int  # documented deviations whose size nobody measured


def _seen(verdicts: Sequence[Verdict]) -> _Seen:
    best: dict[str, tuple[tuple[float, float], int, bool]] = {}
    found, deltas, unsized = Counter[str](), Counter[float](), 0
    for place, verdict in enumerate(verdicts):
        state = verdict.state
        found[state] += 1
        deltas[verdict.delta] += state == "conforms"
        unsized += is_unsized(verdict)
        rank = (distance(verdict), -size(verdict.case))
        if state not in best or rank > best[state][0]:
            best[state] = rank, place, verdict.ratio is not None
    counts = tuple((state, found[state]) for state in STATES if found[state])
    (far, _), place, measured = best[counts[0][0]]
    return _Seen(_shared(counts), _shared(tuple((+deltas).items())), place, far, measured, unsized)


@functools.lru_cache(maxsize=1024)
def _shared(counts: tuple[tuple[Any, int], ...]) -> tuple[tuple[Any, int], ...]:
    return counts  # most groups count alike


def distance(verdict: Verdict) -> float:
    """How far a verdict lies from its law: |ln ratio|, infinite for a ratio that has no logarithm, -1 for none.

    What keeps on the safe side of a limit is no distance away from it. NaN and infinite ratios are null in a record;
    of a number where 0 is expected the distance is ln(1 + |number|).
    """
    if verdict.ratio is None and verdict.expected == 0 and verdict.observed is not None:
        return math.log1p(abs(verdict.observed))
    if verdict.ratio is None:
        return math.inf if verdict.expected is not None and verdict.state in ("VIOLATES", "deviation") else -1.0
    if one_sided(verdict):
        return 0.0
    return abs(math.log(verdict.ratio)) if 0 < verdict.ratio < math.inf else math.inf


def size(case: Any) -> float:
    """The size of a case: the sum of the magnitudes of all its numbers.

    >>> size({"shape": (2, 8), "mode": "fan_in"})
    10.0
    """
    if isinstance(case, dict):
        return sum(map(size, case.values()), 0.0)
    if isinstance(case, (list, tuple)):
        return sum(map(size, case), 0.0)
    return abs(float(case)) if isinstance(case, (int, float)) and math.isfinite(case) else 0.0


def together(groups: Iterable[Group]) -> dict[str, int]:
    """How many verdicts of some groups are in each state, worst first."""
    found = Counter[str]()
    for group in groups:
        found.update(group.counts)
    return {state: found[state] for state in STATES if found[state]}


def row_key(verdict: Verdict) -> tuple[str, str, str, str]:
    """The framework, version, subject and claim of a verdict: the cell of the matrix that it belongs to."""
    return verdict.framework, verdict.version, verdict.subject, verdict.claim


@once
def grouped(verdicts: Sequence[Verdict]) -> list[Group]:
    """The groups of some verdicts, in order of first appearance."""
    return [Group(members) for members in parted(verdicts, row_key)]


def parted(verdicts: Sequence[Verdict], key: Callable[[Verdict], Hashable | None]) -> list[Some]:
    """The verdicts parted by a key, in order of first appearance; those whose key is None left out."""
    places: dict[Hashable, array[int]] = {}
    for place, verdict in enumerate(verdicts):
        if (name := key(verdict)) is not None:
            places.setdefault(name, array("I")).append(place)
    return [Some(verdicts, members) for members in places.values()]


def worst_first(groups: Iterable[Group]) -> list[Group]:
    """Groups by severity, then by what follows for a user, by distance from the law, and in the order given."""
    return sorted(groups, key=lambda g: (severity(g.state), consequence(g), -g.distance))


# Beginnings of claims: what passes a signal or a gradient on, and what a network starts with.
PASSED_ON = ("clip.", "norm.", "loss.", "dropout.", "activation.", "attention.")
STARTED_WITH = ("init.", "fan.", "gain.", "forward.", "backward.", "layer.")


def consequence(group: Group) -> int:
    """What a finding means for a user: `follows` of its claim and distance."""
    return follows(group.claim, group.distance)


def follows(claim: str, distance: float) -> int:
    """What a claim that is missed by some distance means for a user.

    0 a signal or gradient is lost or NaN, 1 weights or what they keep are off, 2 other statistics are, 3 the last bits.

    >>> follows("law.activation.slope", math.inf), follows("init.std", 0.3), follows("norm.mean", 1e-7)
    (0, 1, 3)
    """
    if 0 <= distance < 0.01:
        return 3
    kind = claim.removeprefix("law.")
    if math.isinf(distance) and kind.startswith(PASSED_ON):
        return 0
    return 1 if kind.startswith(STARTED_WITH) else 2


def furthest_first(groups: Iterable[Group]) -> list[Group]:
    """Groups by severity, then by distance from the law, whatever follows from it."""
    return sorted(groups, key=lambda g: (severity(g.state), -g.distance))


@once
def by_deviation(verdicts: Sequence[Verdict]) -> list[tuple[Deviation, list[Group]]]:
    """What each documented deviation explains, whatever it foresaw for each: the verdicts that met it, worst first.

    A row holds the verdicts that met this deviation alone: other cases of its claim may violate, or meet another one.
    """
    met = [(worst_first(grouped(those)), those[0].deviation) for those in parted(verdicts, _met)]
    met.sort(key=lambda pair: (severity(pair[0][0].state), consequence(pair[0][0]), -pair[0][0].distance))
    return [(known, rows) for rows, known in met if known]


def by_detail(groups: Iterable[Group]) -> list[tuple[str, list[Group]]]:
    """The groups whose worst verdicts have the same detail, by that."""
    members: dict[str, list[Group]] = {}
    for group in groups:
        members.setdefault(group.worst.detail, []).append(group)
    return sorted(members.items(), key=operator.itemgetter(0))


def _met(verdict: Verdict) -> tuple[str, str, str] | None:
    known = verdict.deviation
    return None if known is None else (known.id, known.reason, known.link)


def beside(others: list[Group], platform: str) -> str:
    """The verdicts of a framework that conform in rows where another does not, so that all counts add up."""
    verdicts = (v.state for g in others if g.platform == platform for v in g.verdicts)
    more = sum(state == "conforms" for state in verdicts)
    return f", and {more:,} on rows with a finding" if more else ""
