"""One law in two recordings: moved, the same as far as the draws say, or not to be compared; with the reasons.

Exact facts decide first (another kind of law, numbers that are not finite, that repeat, that come from no seed), then
probabilities under one law for both. A law that only one recording knows is a change where the evidence against every
family is beyond the risk of the whole diff, and is open where it is not and nothing else differs.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from varlaw.identify import dependence
from varlaw.identify.baseline import instances, twosample
from varlaw.identify.baseline.twosample import EXACT, Laws, Pair
from varlaw.identify.records import CaseStatistics, Identified, Reading

_KINDS = EXACT | {"fixed", "discrete"}  # told without a probability
_STARVED = ("fewer than", "too few")  # reasons why a law is unknown that say nothing about it
_TESTS = 4 + dependence.KINDS  # of each case, or of a law: sums or instances, ties, copies, and independence
_NEAR = 1.5  # times the root of their sum: within 3 deviations of equal shares two counts need no probability
_RARE = 30  # entries, below which a format is chance
_UNITS = 5  # rows, columns or instances, below which what they share may be chance


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
    why: list[str] = []  # what shows it beside the scale
    parameters: list[str] = []  # of a model, which play the role
    touches: list[str] = []  # claims that speak of it, with their laws
    subject: str = ""


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A law that could not be compared, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Tensor:
    """One tensor, or role of a model, in both recordings, with the cases that both looked at."""

    name: str
    before: Reading
    after: Reading
    pairs: Sequence[Pair]
    parameters: list[str]
    records: tuple[Identified, Identified]
    differs: list[str] = field(default_factory=list)

    @property
    def texts(self) -> tuple[str, str]:
        return self.before.text, self.after.text

    @property
    def exact(self) -> bool:
        """Whether both laws have one value for each entry, whose text says all."""
        return all(r.family in ("constant", "identity", "dirac") for r in (self.before, self.after))


def comparisons(tensors: Sequence[Tensor]) -> int:
    """Cases that are compared, each by itself, and once together."""
    return sum(len(t.pairs) + 1 for t in tensors)


def of_all(tensors: Sequence[Tensor], kept: frozenset[str], alpha: float) -> list[Change | Open]:
    """What moved, and what cannot be compared, at a risk of `alpha` for all; `kept` is what both files keep of a case.

    Half of the risk is for probabilities, half for laws that only one recording knows.
    """
    threshold = math.log(alpha / 2 / _TESTS / max(comparisons(tensors), 1))
    doubt = -math.log(alpha / 2 / max(len(tensors), 1))
    logs = twosample.log_ps([Laws(t.before, t.after, () if _by_text(t) else t.pairs) for t in tensors])
    found = (_one(t, own, kept, threshold, doubt) for t, own in zip(tensors, logs, strict=True))
    return [one for one in found if one]


def _by_text(tensor: Tensor) -> bool:
    return tensor.exact or not tensor.pairs


def _one(
    tensor: Tensor, logs: Sequence[float], kept: frozenset[str], threshold: float, doubt: float
) -> Change | Open | None:
    if _by_text(tensor):
        return _of_texts(tensor)
    why = [*_kinds(tensor, doubt), *_facts(tensor, kept), *_evidence(tensor, kept, threshold)]
    by_marks, mark, least = instances.by_marks(tensor.pairs)
    if by_marks < threshold:
        why.append(f"{mark} of the instances is distributed otherwise")
    together = twosample.together_log_p(logs)
    apart = [pair for pair, log in zip(tensor.pairs, logs, strict=True) if log < threshold]
    log_p = min([*logs, together, by_marks])
    if apart or together < threshold or why:
        scale = bool(apart) or together < threshold
        return _change(tensor, apart or list(tensor.pairs), why, log_p if scale or by_marks < threshold else None)
    reason = _why_open(tensor, logs, threshold, least)
    return Open(name=tensor.name, reason=reason) if reason else None


def _of_texts(tensor: Tensor) -> Change | Open | None:
    """Constants, and laws without a case in common, by what they are called."""
    was, now = tensor.texts
    sides = (tensor.before, tensor.after)
    bare = not all(one.cases for one in tensor.records)  # what a text says in full is recorded without cases
    if was == now and all(r.known for r in sides):
        return None
    if was != now and (tensor.exact or bare or all(r.known and not r.note for r in sides)):
        return _change(tensor, [], [_lost(tensor)] if _lost(tensor) else [], None)
    return Open(name=tensor.name, reason=f"no case in common: {was}, and {now}")


def _change(tensor: Tensor, apart: Sequence[Pair], why: Sequence[str], log_p: float | None) -> Change:
    ratios = [r for r in (twosample.ratio(a, b) for a, b in apart) if r]
    strongest = max(ratios, key=lambda r: abs(math.log(r[0])), default=None)
    return Change(
        kind="moved", name=tensor.name, before=tensor.texts[0], after=tensor.texts[1],
        ratio=strongest[0] if strongest else None, interval=strongest[1:] if strongest else None,
        log_p=None if log_p is None else max(log_p, -1e9), cases=_which(ratios, len(apart), len(tensor.pairs)),
        why=list(dict.fromkeys(why)), parameters=tensor.parameters, subject=tensor.records[1].subject,
    )  # fmt: skip


def _which(ratios: Sequence[tuple[float, float, float]], apart: int, pairs: int) -> str:
    values = [r[0] for r in ratios] or [1.0]
    spread = "" if max(values) <= 1.02 * min(values) else f"std x{min(values):.3g} to x{max(values):.3g}"
    some = "" if apart == pairs else f"in {apart} of {pairs} cases"
    return ", ".join(filter(None, [some, spread]))


# -- readings ----------------------------------------------------------------------------------------------------------


def _kinds(tensor: Tensor, doubt: float) -> Iterator[str]:
    """Another kind of law: signs for a density, parts for a whole, one that is known for one that is not."""
    old, new = tensor.before, tensor.after
    if _starved(old) or _starved(new):
        return
    if old.families & _KINDS != new.families & _KINDS:
        yield f"another kind of law: {_family(old)}, now {_family(new)}"
    elif old.known and new.known:
        if _parts(old) != _parts(new) and "by parameter" not in (old.family, new.family):
            yield "its parts follow other laws"
    elif old.known != new.known:
        unknown = new if old.known else old
        if _refused(unknown, old if unknown is new else new, doubt):
            yield f"known {'before' if old.known else 'now'}, {'now' if old.known else 'before'} {_reason(unknown)}"


def _family(reading: Reading) -> str:
    return " and ".join(sorted(reading.families))


def _parts(reading: Reading) -> list[tuple[str, str]]:
    return [(_family(part), part.where) for part in reading.parts]


def _refused(reading: Reading, known: Reading, doubt: float) -> bool:
    """Whether the evidence against every law that has a name here is beyond doubt, and beyond that of the known side.

    Of a law near one with a name, the ln e-value varies about its mean m with a variance of about 2 m, so that it may
    be refused in one recording and not in the other: both then lie within a few of these deviations.
    """
    fits = [max(part.fit or 0.0, 0.0) for part in (reading.parts or [reading]) if part.family == "unknown"]
    a, b = max(fits, default=0.0), max([max(part.fit or 0.0, 0.0) for part in (known.parts or [known])], default=0.0)
    return a > b and (a - b) / (a + b) * (a - b) / 4 > doubt


def _starved(reading: Reading) -> bool:
    return any(r.reason.startswith(_STARVED) for r in (reading, *reading.parts))


def _reason(reading: Reading) -> str:
    reasons = [r.reason for r in (reading, *reading.parts) if r.reason]
    return f"unknown: {reasons[0]}" if reasons else reading.text


def _why_open(tensor: Tensor, logs: Sequence[float], threshold: float, least: float) -> str:
    """Why nothing is said of a law that did not move as far as can be seen, or ""."""
    old, new = tensor.before, tensor.after
    if all(not a.n and not b.n for a, b in tensor.pairs):
        return "no entry is finite in either"
    if all(min(a.n, b.n) < _RARE and not (a.fixed and b.fixed) for a, b in tensor.pairs):
        return "too few entries"
    if old.known != new.known:
        unknown = new if old.known else old
        return f"{old.text}, and {new.text}: {_reason(unknown).removeprefix('unknown: ')}; the draws do not decide"
    if old.families != new.families:
        return f"read as {old.text}, and as {new.text}; the draws do not tell them apart"
    if dependence.independent(old) or dependence.independent(new) or old.families | new.families <= EXACT:
        return ""
    fixed = all(a.fixed and b.fixed for a, b in tensor.pairs)
    if not fixed and not any(logs) and least > threshold:
        return f"{_reason(new)}; too few instances of a law whose entries may depend on each other"
    return ""


# -- facts and evidence of the cases -----------------------------------------------------------------------------------


def _facts(tensor: Tensor, kept: frozenset[str]) -> Iterator[str]:
    """What is so or is not, whatever the law."""
    if lost := _lost(tensor):
        yield lost
    for old, new in tensor.pairs:
        if "repeats" in kept and old.again != new.again:
            yield f"the same seed {'no longer gives' if old.again else 'now gives'} the same numbers"
        if "formats" in kept and old.format != new.format and _continuous(old) and _continuous(new):
            yield f"numbers of {new.format}, were of {old.format}"
        if "evenness" in kept:
            for name in set(old.even) ^ set(new.even):
                if min(_units(old, name), _units(new, name)) >= _UNITS:
                    yield f"the {name} is {'no longer' if name in old.even else 'now'} the same for all"


def _lost(tensor: Tensor) -> str:
    """Entries that are not finite, where there were none, or none where there were some."""
    before, after = (sum(case.lost for case in one.cases) for one in tensor.records)
    said = ["not finite" in one.reason for one in (tensor.before, tensor.after)]
    if bool(before or said[0]) == bool(after or said[1]):
        return ""
    count = after or before
    n = sum(case.n + case.lost for case in tensor.records[1 if after else 0].cases)
    if not count:
        return f"not finite {'now' if said[1] else 'before'}"
    return f"not finite{'' if after else ' before'}: {count} of {n} entries"


def _continuous(case: CaseStatistics) -> bool:
    return bool(case.format) and case.distinct is None and case.n >= _RARE


def _units(case: CaseStatistics, name: str) -> int:
    """Of how many rows, columns or instances something is the same."""
    rows = case.shape[0] if len(case.shape) > 1 else 1
    columns = math.prod(case.shape) // max(rows, 1)
    each = {"row": rows, "column": columns}
    return case.instances * each.get(name.rpartition(" ")[2], 1)


def _evidence(tensor: Tensor, kept: frozenset[str], threshold: float) -> Iterator[str]:
    """What has a probability beside the sums: signs that depend on each other, magnitudes that occur twice."""
    if "dependence" in kept:
        for old, new in tensor.pairs:
            for name in old.depends.keys() ^ new.depends.keys():
                side = new if name in new.depends else old
                if side.depends[name] > -threshold:
                    yield f"entries {'now' if side is new else 'no longer'} depend on each other: {name}"
    if not (dependence.independent(tensor.before) or dependence.independent(tensor.after)):
        return
    if "ties" in kept:
        random = [(a, b) for a, b in tensor.pairs if a.n and b.n and not (a.fixed or b.fixed)]
        if _rates_differ([(a.ties, b.ties, a.n, b.n) for a, b in random], threshold):
            before, after = _sum(a.ties for a, _ in random), _sum(b.ties for _, b in random)
            yield f"magnitudes that occur twice: {after}, were {before}"
    if "copies" in kept:
        looked = [(a, b) for a, b in tensor.pairs if a.looked and b.looked]
        if _rates_differ([(a.copied, b.copied, a.looked, b.looked) for a, b in looked], threshold):
            before, after = _sum(a.copied for a, _ in looked), _sum(b.copied for _, b in looked)
            yield f"numbers that another tensor of the same instance holds: {after}, were {before}"


def _sum(counts: Iterator[int]) -> str:
    return f"{sum(counts):,}"


def _rates_differ(counts: Sequence[tuple[int, int, int, int]], threshold: float) -> bool:
    """Whether two counts differ beyond chance in a case, whether they grow as the entries do or as their pairs."""
    far = [(a, b, m, n) for a, b, m, n in counts if abs(b * m - a * n) > _NEAR * (m + n) * math.sqrt(a + b)]
    if not far:
        return False
    a, b, m, n = (np.array(column, dtype=np.float64) for column in zip(*far, strict=True))
    logs = np.maximum(*(twosample.count_log_p(a, b, n**k / (m**k + n**k)) for k in (1, 2)))
    return bool(logs.min() < threshold)


# -- several parameters as one -----------------------------------------------------------------------------------------


def together(a: CaseStatistics, b: CaseStatistics) -> CaseStatistics:
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
