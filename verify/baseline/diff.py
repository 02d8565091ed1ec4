"""What changed between two baselines: laws that moved, appeared or vanished, and constants that are no longer the same.

Statistical, not bitwise: the same law drawn from other seeds is no change, except with probability ALPHA for a whole
diff, shared out over its comparisons (Bonferroni).
"""

import math
from collections.abc import Iterator, Sequence

import msgspec

from varlaw.evidence.streams import canonical
from varlaw.subjects import registry
from varlaw.verify.baseline import twosample
from varlaw.verify.baseline.records import Baseline, BaselineError, Fact
from varlaw.verify.claims import claims_of
from varlaw.verify.identify.records import CaseStatistics, Identified, Reading

ALPHA = 1e-6  # false change per diff
_EXACT = ("constant", "identity", "dirac")

Pair = tuple[CaseStatistics, CaseStatistics]


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is no longer what it was; `ratio` is new over old scale in the case that moved most."""

    kind: str  # moved, appeared, vanished, constant, failed, recovered
    name: str
    before: str = ""
    after: str = ""
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    log_p: float | None = None  # ln of the probability under one law for both
    cases: str = ""  # in which cases, where not in all
    touches: list[str] = []  # claims that speak of it, with their laws


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
    unseen: list[str] = []  # subjects that only one of them had a row for: nothing is said of those


def compare(old: Baseline, new: Baseline) -> Diff:
    """The changes from `old` to `new`; `BaselineError` where they are of different frameworks."""
    if set(old.versions) != set(new.versions):
        names = " and ".join(", ".join(sorted(b.versions)) for b in (old, new))
        msg = f"baselines of different frameworks: {names}"
        raise BaselineError(msg)
    before, after = _by_role(old), _by_role(new)
    shared = [name for name in before if name in after]
    comparisons = max(1, sum(_count(before[name], after[name]) for name in shared))
    threshold = math.log(ALPHA / comparisons)
    unseen = _unseen(old, new)
    changes = [change for name in shared for change in _moved(name, before[name], after[name], threshold)]
    changes += [c for c in _came_and_went(before, after, old, new) if _subject(c.name, before, after) not in unseen]
    changes += list(_facts(*([f for f in b.facts if f.subject not in unseen] for b in (old, new))))
    return Diff(
        schema="varlaw.baseline.diff/1", target=new.target, old=old.versions, new=new.versions, alpha=ALPHA,
        comparisons=comparisons, laws=len(shared), changes=changes, unseen=unseen,
    )  # fmt: skip


def _unseen(old: Baseline, new: Baseline) -> list[str]:
    """Subjects whose row varlaw gained or lost in between, where both files say which rows there were.

    Between files of different targets it was the user who chose: what is in one only vanished or appeared.
    """
    if old.target != new.target or not (old.looked and new.looked):
        return []
    before, after = set(old.looked), set(new.looked)
    return [name for name in dict.fromkeys([*new.looked, *old.looked]) if name not in before or name not in after]


def _subject(name: str, *sides: dict[str, list[Identified]]) -> str:
    return next(side[name][0].subject for side in sides if name in side)


def _by_role(baseline: Baseline) -> dict[str, list[Identified]]:
    """Laws by name; those that the parameters of one role follow stand together."""
    found: dict[str, list[Identified]] = {}
    for one in baseline.tensors:
        found.setdefault(one.name.partition(": ")[0], []).append(one)
    return found


# -- laws --------------------------------------------------------------------------------------------------------------


def _pairs(old: Identified, new: Identified) -> list[Pair]:
    """The cases that both looked at."""
    before, after = _by_place(old.cases), _by_place(new.cases)
    return [(before[place], after[place]) for place in after if place in before]


def _by_place(cases: Sequence[CaseStatistics]) -> dict[str, CaseStatistics]:
    """The sums of each case and shape; those of several parameters of a model together."""
    sums: dict[str, CaseStatistics] = {}
    for case in cases:
        place = _place(case)
        sums[place] = twosample.together(sums[place], case) if place in sums else case
    return sums


def _place(case: CaseStatistics) -> str:
    return canonical({"case": case.case, "shape": list(case.shape)})


def _count(before: Sequence[Identified], after: Sequence[Identified]) -> int:
    """Cases that are compared, each by itself, and once together."""
    return sum(len(_pairs(a, b)) + 1 for a, b in _partners(before, after) or [])


def _partners(before: Sequence[Identified], after: Sequence[Identified]) -> list[tuple[Identified, Identified]] | None:
    """The same tensors on both sides; None where a role's parameters are grouped otherwise."""
    there = {one.tensor: one for one in before}
    if set(there) != {one.tensor for one in after}:
        return None
    return [(there[one.tensor], one) for one in after]


def _moved(name: str, before: Sequence[Identified], after: Sequence[Identified], threshold: float) -> Iterator[Change]:
    for old, new in _partners(before, after) or [(_pooled(name, before), _pooled(name, after))]:
        if found := _change(old, new, threshold):
            yield found


def _pooled(name: str, found: Sequence[Identified]) -> Identified:
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


def _change(old: Identified, new: Identified, threshold: float) -> Change | None:
    pairs = _pairs(old, new)
    was, now = old.reading.text, new.reading.text
    plain = old.reading.family in _EXACT and new.reading.family in _EXACT
    if plain or not pairs:
        differs = was != now and (plain or not old.cases or not new.cases or _sure(old, new))
        return Change(kind="moved", name=new.name, before=was, after=now, touches=_touches(new)) if differs else None
    logs = [twosample.log_p(a, b, old.reading, new.reading) for a, b in pairs]
    apart = [pair for pair, log in zip(pairs, logs, strict=True) if log < threshold]
    all_cases = twosample.together_log_p(logs)
    if not apart and all_cases >= threshold:
        return None
    apart = apart or pairs
    ratio, low, high = _strongest(apart)
    return Change(
        kind="moved", name=new.name, ratio=_finite(ratio), interval=(low, high) if math.isfinite(high) else None,
        log_p=max(min(*logs, all_cases), -1e9), cases=_which(apart, pairs), before=was, after=now,
        touches=_touches(new),
    )  # fmt: skip


def _sure(old: Identified, new: Identified) -> bool:
    """Laws without a case in common are compared by their text, where both are known beyond doubt."""
    return all(one.reading.known and not one.reading.note for one in (old, new))


def _strongest(apart: Sequence[Pair]) -> tuple[float, float, float]:
    found = [twosample.ratio(a, b) for a, b in apart]
    return max(found, key=lambda r: abs(math.log(r[0])) if 0 < r[0] < math.inf else math.inf)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _which(apart: Sequence[Pair], pairs: Sequence[Pair]) -> str:
    ratios = [twosample.ratio(a, b)[0] for a, b in apart]
    spread = "" if max(ratios) <= 1.02 * min(ratios) else f"std x{min(ratios):.3g} to x{max(ratios):.3g}"
    some = "" if len(apart) == len(pairs) else f"in {len(apart)} of {len(pairs)} cases"
    return ", ".join(filter(None, [some, spread]))


def _touches(one: Identified) -> list[str]:
    """The claims that speak of a tensor, or of a model's role, each with its law."""
    subject = registry.named(one.subject)
    if subject is None:
        return []
    role = f"model.{_role(one)}"
    return [f"{c.name} ({c.law})" for c in claims_of(subject) if c.target == one.name or c.name == role]


# -- what is on one side only, and constants ---------------------------------------------------------------------------


def _came_and_went(
    before: dict[str, list[Identified]], after: dict[str, list[Identified]], old: Baseline, new: Baseline
) -> list[Change]:
    broken = {f.subject: f.error for f in new.failed}
    mended = {f.subject: f.error for f in old.failed}
    found = []
    for name in before:
        if name not in after:
            error = broken.get(before[name][0].subject, "")
            text = "; ".join(one.reading.text for one in before[name])
            found.append(Change(kind="failed" if error else "vanished", name=name, before=text, after=error))
    for name in after:
        if name not in before:
            error = mended.get(after[name][0].subject, "")
            text = "; ".join(one.reading.text for one in after[name])
            found.append(Change(kind="recovered" if error else "appeared", name=name, before=error, after=text))
    return found


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
