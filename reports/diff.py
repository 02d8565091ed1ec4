"""What changed between two runs: laws that broke, were fixed or documented, or moved, and rows that came or went.

A row *moved* when, in a case that both runs decided, the two 99.9 % intervals of the measured value lie apart by more
than the smaller delta of the two. This compares laws, not bits: other draws of the same law are no change.
"""

import enum
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports.charts import REACH
from varlaw.reports.groups import Group, grouped

BAD = ("VIOLATES", "error")


class Kind(enum.StrEnum):
    """How a row changed, in the order in which a report lists them."""

    BROKE = "broke"
    MOVED = "moved"
    CHANGED = "changed state"
    RESTATED = "restated"
    FIXED = "fixed"
    DOCUMENTED = "documented"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True)
class Change:
    """One row that differs: the group before and after, None where it did not exist."""

    kind: Kind
    before: Group | None
    after: Group | None
    detail: str = ""

    @property
    def group(self) -> Group:
        """The row that names the change: the later one where there is one."""
        found = self.after or self.before
        assert found is not None
        return found


def compare(old: Run, new: Run) -> list[Change]:
    """The rows that differ between two runs, by kind and then in the order of the new run.

    Rows are matched by framework, subject and claim, whatever the versions; cases by dtype, device and parameters. Rows
    of a framework that only one of the runs looked at are no change.
    """
    before, after = _rows(old), _rows(new)
    shared = {key[0] for key in before} & {key[0] for key in after}
    keys = [key for key in {**after, **before} if key[0] in shared]
    changes = (_change(before.get(key), after.get(key)) for key in keys)
    order = list(Kind)
    return sorted((c for c in changes if c), key=lambda c: order.index(c.kind))


def _rows(run: Run) -> dict[tuple[str, str, str], Group]:
    """The rows of a run; where it holds several versions of a framework, the last one counts."""
    return {(g.verdicts[0].framework, g.subject, g.claim): g for g in grouped(run.verdicts)}


def _change(before: Group | None, after: Group | None) -> Change | None:
    if before is None or after is None:
        return Change(Kind.NEW if before is None else Kind.GONE, before, after)
    if before.state != after.state:
        return Change(_turn(before.state, after.state), before, after, next(_movements(before, after), ""))
    if moved := next(_movements(before, after), ""):
        return Change(Kind.MOVED, before, after, moved)
    if before.worst.statement != after.worst.statement:
        return Change(Kind.RESTATED, before, after, f"{before.worst.statement} -> {after.worst.statement}")
    return None


def _turn(before: str, after: str) -> Kind:
    """What a change of state is called: only what conforms was fixed, not what became open or documented."""
    if after in BAD and before not in BAD:
        return Kind.BROKE
    if before in BAD and after == "conforms":
        return Kind.FIXED
    return Kind.DOCUMENTED if (before, after) == ("VIOLATES", "deviation") else Kind.CHANGED


def _movements(before: Group, after: Group) -> Iterator[str]:
    """Each case that both rows decided and whose measured value moved, in words."""
    known = {_case(v): v for v in before.verdicts}
    for verdict in after.verdicts:
        earlier = known.get(_case(verdict))
        if earlier is not None and (change := movement(earlier, verdict)) is not None:
            yield f"measured {verdict.quantity} is {change:.4g} times what it was ({verdict.dtype})"


def _case(verdict: Verdict) -> tuple[str, str, str, str]:
    case = json.dumps(verdict.case, sort_keys=True, default=str)
    return verdict.dtype, verdict.device, verdict.quantity, case


def movement(old: Verdict, new: Verdict) -> float | None:
    """By which factor a measured value moved from one verdict to the other; None where the draws show no move."""
    a, b = _ends(old), _ends(new)
    if a is None or b is None or old.observed is None or new.observed is None:
        return None
    gap = max(math.log(b[0] / a[1]), math.log(a[0] / b[1]))
    margin = math.log1p(min(old.error, new.error))
    return new.observed / old.observed if gap > margin and old.observed else None


def _ends(verdict: Verdict) -> tuple[float, float] | None:
    """The interval of the measured value itself, or None where it has no positive one."""
    if verdict.ratio is None or not verdict.expected or verdict.expected < 0:
        return None
    low, high = verdict.interval or (verdict.ratio, verdict.ratio)
    low, high = 1 / REACH if low is None else low, REACH if high is None else high
    return (low * verdict.expected, high * verdict.expected) if low > 0 and high > 0 else None


def as_records(changes: list[Change]) -> list[dict[str, Any]]:
    """The changes as plain data, for JSON."""
    return [
        {
            "kind": change.kind.value,
            "framework": change.group.verdicts[0].framework,
            "subject": change.group.subject,
            "claim": change.group.claim,
            "before": change.before and {"version": change.before.verdicts[0].version, "state": change.before.state},
            "after": change.after and {"version": change.after.verdicts[0].version, "state": change.after.state},
            "detail": change.detail,
        }
        for change in changes
    ]
