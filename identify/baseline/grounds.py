"""What shows, beside the scale, that a law is no longer what it was; and why nothing is said of one that did not move.

Facts are so or are not (another kind of law, numbers that are not finite, that repeat, that come from no seed); signs
that depend on each other and magnitudes that occur twice have a probability.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from varlaw.identify import dependence
from varlaw.identify.baseline import twosample
from varlaw.identify.baseline.twosample import EXACT, Pair
from varlaw.identify.records import CaseStatistics, Identified, Reading

_KINDS = EXACT | {"fixed", "discrete"}  # told without a probability
_STARVED = ("fewer than", "too few")  # reasons why a law is unknown that say nothing about it
_NEAR = 1.5  # times the root of their sum: within 3 deviations of equal shares two counts need no probability
_RARE = 30  # entries, below which a format is chance
_UNITS = 5  # rows, columns or instances, below which what they share may be chance


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


def kinds(tensor: Tensor, doubt: float) -> Iterator[str]:
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


def why_open(tensor: Tensor, logs: Sequence[float], threshold: float, least: float) -> str:
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


def facts(tensor: Tensor, kept: frozenset[str]) -> Iterator[str]:
    """What is so or is not, whatever the law."""
    if gone := lost(tensor):
        yield gone
    for old, new in tensor.pairs:
        if "repeats" in kept and old.again != new.again:
            yield f"the same seed {'no longer gives' if old.again else 'now gives'} the same numbers"
        if "formats" in kept and old.format != new.format and _continuous(old) and _continuous(new):
            yield f"numbers of {new.format}, were of {old.format}"
        if "evenness" in kept:
            for name in set(old.even) ^ set(new.even):
                if min(_units(old, name), _units(new, name)) >= _UNITS:
                    yield f"the {name} is {'no longer' if name in old.even else 'now'} the same for all"


def lost(tensor: Tensor) -> str:
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


def evidence(tensor: Tensor, kept: frozenset[str], threshold: float) -> Iterator[str]:
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
