"""Rows of every report: the verdicts of one claim about one subject, over all dtypes, devices and cases, worst first.

Vocabulary: *group* (one cell of the matrix: subject x claim), *worst* (the verdict shown for its group: all that a row
shows, its replay line too, is of this one case).
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from varlaw.reports.words import STATES, one_sided, percent, quantities, severity
from varlaw.verify.verdict import Deviation, Run, Verdict


@dataclass(frozen=True)
class Group:
    """All verdicts about one claim for one subject of one framework version; never empty."""

    verdicts: tuple[Verdict, ...]

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

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many verdicts are in each state, worst first."""
        return tally(self.verdicts)

    @cached_property
    def state(self) -> str:
        return next(iter(self.counts))

    @cached_property
    def worst(self) -> Verdict:
        """The verdict that stands for the group: of the worst state, the one furthest from its law, in a small case."""
        of_state = (v for v in self.verdicts if v.state == self.state)
        return max(of_state, key=lambda v: (distance(v), -size(v.case)))

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


def distance(verdict: Verdict) -> float:
    """How far a verdict lies from its law: |ln ratio|, infinite for a ratio that has no logarithm, -1 for none.

    What keeps on the safe side of a limit is no distance away from it. NaN and infinite ratios are null in a record.
    """
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


def tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many verdicts are in each state, worst first, states without any left out."""
    found = Counter(v.state for v in verdicts)
    return {state: found[state] for state in STATES if found[state]}


def row_key(verdict: Verdict) -> tuple[str, str, str, str]:
    """The framework, version, subject and claim of a verdict: the cell of the matrix that it belongs to."""
    return verdict.framework, verdict.version, verdict.subject, verdict.claim


def grouped(verdicts: Iterable[Verdict]) -> list[Group]:
    """The groups of some verdicts, in order of first appearance."""
    groups: dict[tuple[str, str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(row_key(verdict), []).append(verdict)
    return [Group(tuple(members)) for members in groups.values()]


def worst_first(groups: Iterable[Group]) -> list[Group]:
    """Groups by severity, then by distance from the law, then in the order given."""
    return sorted(groups, key=lambda g: (severity(g.state), -distance(g.worst)))


def by_deviation(verdicts: Iterable[Verdict]) -> list[tuple[Deviation, list[Group]]]:
    """What each documented deviation explains, whatever it foresaw for each: the verdicts that met it, worst first.

    A row holds the verdicts that met this deviation alone: other cases of its claim may violate, or meet another one.
    """
    members: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if (known := verdict.deviation) is not None:
            members.setdefault((known.id, known.reason, known.link), []).append(verdict)
    met = [(worst_first(grouped(those)), those) for those in members.values()]
    met.sort(key=lambda pair: (severity(pair[0][0].state), -distance(pair[0][0].worst)))
    return [(those[0].deviation, rows) for rows, those in met if those[0].deviation]


def looser(run: Run) -> tuple[int, str]:
    """How many conforming verdicts exclude larger errors only than the run looks for, and which: "10 % to 99 %".

    >>> from types import SimpleNamespace as of
    >>> some = [of(state="conforms", delta=delta) for delta in (0.05, 0.1, 0.1, 0.99)]
    >>> looser(of(run=of(delta=0.05), verdicts=some))
    (3, '10 % to 99 %')
    """
    deltas = [v.delta for v in run.verdicts if v.state == "conforms" and v.delta > run.run.delta * (1 + 1e-9)]
    ends = dict.fromkeys([percent(min(deltas)), percent(max(deltas))]) if deltas else ()
    return len(deltas), " to ".join(ends)


def headline(run: Run) -> str:
    """The counts of a run in one sentence; what conforms to within larger errors than the run's is counted apart."""
    counts = tally(run.verdicts)
    many, errors = looser(run)
    closely = counts.get("conforms", 0) - many
    phrases = {
        "conforms": "{n:,} conform" if closely != 1 else "1 conforms",
        "looser": f"{{n:,}} conform{'' if many != 1 else 's'} to within {errors} only",
        "deviation": "{n:,} documented deviations" if counts.get("deviation") != 1 else "1 documented deviation",
        "VIOLATES": "{n:,} violate" if counts.get("VIOLATES") != 1 else "1 violates",
        "error": "{n:,} errors" if counts.get("error") != 1 else "1 error",
        "undecided": "{n:,} undecided",
        "not applicable": "{n:,} not applicable",
    }
    shown = {**counts, "conforms": closely, "looser": many}
    parts = [phrase.format(n=shown[state]) for state, phrase in phrases.items() if shown.get(state)]
    text = f"{quantities(len(run.verdicts), 'verdict')}: {', '.join(parts)}" if parts else "no verdicts"
    if counts.get("undecided"):
        text += f" (undecided: too few draws to certify {percent(run.run.delta)} within the budget)"
    return text if run.run.complete else f"INTERRUPTED, these are partial results. {text}"
