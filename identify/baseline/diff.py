"""What changed between two baselines: laws that moved, appeared or vanished, and constants that are no longer the same.

Statistical, not bitwise: the same law drawn from other seeds is no change, except with probability ALPHA for a whole
diff, shared out over its comparisons (Bonferroni). What cannot be compared is said, with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from varlaw.claims.claim import Claim
from varlaw.claims.tables import claims_of
from varlaw.identify.baseline import moved
from varlaw.identify.baseline.grounds import Tensor
from varlaw.identify.baseline.moved import Change, Open
from varlaw.identify.baseline.records import KEPT, Baseline, Fact
from varlaw.identify.baseline.sound import BaselineError
from varlaw.identify.baseline.twosample import Pair
from varlaw.identify.records import CaseStatistics, Identified, Reading
from varlaw.subjects import registry

ALPHA = 1e-6  # false change per diff

Roles = Mapping[str, Sequence[Identified]]


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """All changes from one baseline to another."""

    schema: str
    target: str
    old: dict[str, str]  # framework -> version
    new: dict[str, str]
    alpha: float
    comparisons: int
    laws: int
    changes: list[Change]
    open: list[Open] = []  # what could not be compared, and why
    unseen: list[str] = []  # subjects that only one of them had a row for: nothing is said of those
    unkept: list[str] = []  # what only one of the files keeps of a case, as the other is older than that


def compare(old: Baseline, new: Baseline) -> Diff:
    """The changes from `old` to `new`; `BaselineError` where they are of different frameworks."""
    if set(old.versions) != set(new.versions):
        names = " and ".join(", ".join(sorted(b.versions)) for b in (old, new))
        msg = f"baselines of different frameworks: {names if names.isprintable() else ascii(names)}"
        raise BaselineError(msg)
    before, after = _by_role(old), _by_role(new)
    shared = [name for name in before if name in after]
    tensors = [tensor for name in shared for tensor in _tensors(name, before[name], after[name])]
    kept = [name for name in KEPT if name in old.keeps and name in new.keeps]
    found = moved.of_all(tensors, frozenset(kept), ALPHA)
    claims: dict[str, Sequence[Claim]] = {}
    changes = [_touching(one, claims) for one in found if isinstance(one, Change)]
    unseen = _unseen(old, new)
    changes += [c for c in _came_and_went(before, after, old, new) if _subject(c.name, before, after) not in unseen]
    changes += list(_facts(*([f for f in b.facts if f.subject not in unseen] for b in (old, new))))
    return Diff(
        schema="varlaw.baseline.diff/1", target=new.target, old=old.versions, new=new.versions, alpha=ALPHA,
        comparisons=moved.comparisons(tensors), laws=len(shared), changes=changes,
        open=[one for one in found if isinstance(one, Open)] + list(_not_recorded(old, new, unseen)),
        unseen=unseen, unkept=[name for name in KEPT if name not in kept],
    )  # fmt: skip


def _unseen(old: Baseline, new: Baseline) -> list[str]:
    """Subjects whose row varlaw gained or lost in between, where both files say which rows there were.

    Between files of different targets it was the user who chose: what is in one only vanished or appeared.
    """
    if old.target != new.target or not (old.looked and new.looked):
        return []
    before, after = set(old.looked), set(new.looked)
    return [name for name in dict.fromkeys([*new.looked, *old.looked]) if name not in before or name not in after]


def _subject(name: str, *sides: Roles) -> str:
    return next(side[name][0].subject for side in sides if name in side)


def _by_role(baseline: Baseline) -> dict[str, list[Identified]]:
    """Laws by name; those that the parameters of one role follow stand together."""
    found: dict[str, list[Identified]] = {}
    for one in baseline.tensors:
        found.setdefault(one.name.partition(": ")[0], []).append(one)
    return found


# -- laws --------------------------------------------------------------------------------------------------------------


def _tensors(name: str, before: Sequence[Identified], after: Sequence[Identified]) -> Iterator[Tensor]:
    """The same tensors on both sides; a role whose parameters are grouped otherwise is compared as one."""
    there = {one.tensor: one for one in before}
    if set(there) == {one.tensor for one in after}:
        sides = [(there[one.tensor], one) for one in after]
    else:
        sides = [(_pooled(before), _pooled(after))]
    for old, new in sides:
        yield Tensor(new.name, old.reading, new.reading, _pairs(old, new), _parameters(old, new), (old, new))


def _pairs(old: Identified, new: Identified) -> list[Pair]:
    """The cases that both looked at."""
    before, after = _by_place(old.cases), _by_place(new.cases)
    return [(before[place], after[place]) for place in after if place in before]


def _by_place(cases: Sequence[CaseStatistics]) -> dict[tuple[bytes, tuple[int, ...]], CaseStatistics]:
    """The sums of each case and shape; those of several parameters of a model together."""
    sums: dict[tuple[bytes, tuple[int, ...]], CaseStatistics] = {}
    for case in cases:
        place = msgspec.json.encode(case.case, order="sorted"), case.shape
        sums[place] = _together(sums[place], case) if place in sums else case
    return sums


def _pooled(found: Sequence[Identified]) -> Identified:
    """A role whose parameters follow several laws as one: every law by name, and the sums of each case and shape."""
    first = found[0]
    if len(found) == 1:
        return first
    parts = [msgspec.structs.replace(one.reading, where=one.tensor.partition(": ")[2]) for one in found]
    reading = Reading(family="by parameter", parts=parts)
    cases = [case for one in found for case in one.cases]
    return msgspec.structs.replace(first, tensor=_role(first), reading=reading, cases=cases)


def _role(one: Identified) -> str:
    return one.tensor.partition(": ")[0]


def _parameters(old: Identified, new: Identified) -> list[str]:
    """Who plays a role of a model, as the newer file says, or else the older one."""
    return list(new.members or old.members)


def _touching(change: Change, claims: dict[str, Sequence[Claim]]) -> Change:
    """With the claims that speak of the tensor, or of a model's role, each with its law; `claims` keeps those found."""
    if change.subject not in claims:
        subject = registry.named(change.subject)
        claims[change.subject] = claims_of(subject) if subject else ()
    role = change.name.partition(": ")[0].removeprefix(change.subject)
    speak = [c for c in claims[change.subject] if c.target == change.name or c.name == f"model{role}"]
    return msgspec.structs.replace(change, touches=[f"{c.name} ({c.law})" for c in speak])


# -- what is on one side only, and constants ---------------------------------------------------------------------------


def _came_and_went(before: Roles, after: Roles, old: Baseline, new: Baseline) -> list[Change]:
    broken = {f.subject: f.error for f in new.failed}
    fixed = {f.subject: f.error for f in old.failed}
    found = []
    for name in before:
        if name not in after:
            error = broken.get(before[name][0].subject, "")
            text = "; ".join(one.reading.text for one in before[name])
            found.append(Change(kind="failed" if error else "vanished", name=name, before=text, after=error))
    for name in after:
        if name not in before:
            error = fixed.get(after[name][0].subject, "")
            text = "; ".join(one.reading.text for one in after[name])
            found.append(Change(kind="recovered" if error else "appeared", name=name, before=error, after=text))
    return found


def _not_recorded(old: Baseline, new: Baseline, unseen: Sequence[str]) -> Iterator[Open]:
    """Subjects that could not be looked at and that the other file knows nothing of either."""
    known = {one.subject for b in (old, new) for part in (b.tensors, b.facts) for one in part}
    failed = {f.subject: f.error for b in (old, new) for f in b.failed}
    for subject, error in failed.items():
        if subject not in known and subject not in unseen:
            yield Open(name=subject, reason=f"not recorded: {error}")


def _facts(old: Sequence[Fact], new: Sequence[Fact]) -> Iterator[Change]:
    before = {(f.subject, f.name): f for f in old}
    after = {(f.subject, f.name): f for f in new}
    for place in {**before, **after}:
        a, b = before.get(place), after.get(place)
        if a and b and _agree(a, b):
            continue
        kind = "constant" if a and b else "vanished" if a else "appeared"
        name = f"{place[0]}: {place[1]}"
        yield Change(kind=kind, name=name, before=_shown(a), after=_shown(b))


def _agree(a: Fact, b: Fact) -> bool:
    if isinstance(a.value, str) or isinstance(b.value, str):
        return a.value == b.value
    return abs(a.value - b.value) <= a.error + b.error


def _shown(fact: Fact | None) -> str:
    if fact is None:
        return ""
    return fact.value if isinstance(fact.value, str) else f"{fact.value:.6g}"


def _together(a: CaseStatistics, b: CaseStatistics) -> CaseStatistics:
    """The sums of two tensors of one shape in one case, in units of the first."""
    if not a.n or not b.n:
        full, empty = (a, b) if a.n else (b, a)
        return msgspec.structs.replace(full, lost=full.lost + empty.lost)
    u, n = b.unit / a.unit, a.n + b.n
    return CaseStatistics(
        case=a.case, shape=a.shape, n=n, unit=a.unit,
        z1=a.z1 + u * b.z1, z2=a.z2 + u * u * b.z2, z4=a.z4 + u * u * u * u * b.z4,
        low=min(a.low, b.low), high=max(a.high, b.high),
        zeros=(a.n * a.zeros + b.n * b.zeros) / n, fixed=a.fixed and b.fixed,
        spread=max(a.spread, b.spread) if a.spread is not None and b.spread is not None else None,
        instances=min(a.instances, b.instances), lost=a.lost + b.lost, ties=a.ties + b.ties,
        format=a.format if a.format == b.format else "", again=a.again and b.again,
        depends={**a.depends, **b.depends},
        even=[name for name in a.even if name in b.even],
    )  # fmt: skip
