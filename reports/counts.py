"""How many verdicts of a run are in each state: apart, what conforms loosely and deviations of unknown size."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports.records import once
from varlaw.reports.texts import percent, quantities
from varlaw.reports.wording import STATES

UNSIZED: Final = "of a size that nobody measured"


@once
def tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many verdicts are in each state, worst first, states without any left out."""
    found = Counter(v.state for v in verdicts)
    return {state: found[state] for state in STATES if found[state]}


def looser(run: Run) -> tuple[int, str]:
    """How many conforming verdicts exclude larger errors only than the run looks for, and which: "10 % to 99 %".

    >>> from types import SimpleNamespace as of
    >>> some = [of(state="conforms", delta=delta) for delta in (0.05, 0.1, 0.1, 0.99)]
    >>> looser(of(run=of(delta=0.05), verdicts=some))
    (3, '10 % to 99 %')
    """
    return _larger(_deltas(run.verdicts), run.run.delta)


def _larger(found: Mapping[float, int], asked: float) -> tuple[int, str]:
    deltas = {delta: n for delta, n in found.items() if delta > asked and percent(delta) != percent(asked)}
    ends = dict.fromkeys([percent(min(deltas)), percent(max(deltas))]) if deltas else ()
    return sum(deltas.values()), " to ".join(ends)


def told_apart(run: Run) -> dict[str, int]:
    """How many verdicts of a run are in each state, with the same apart."""
    return apart(tally(run.verdicts), _deltas(run.verdicts), run.run.delta, unmeasured(run.verdicts))


def apart(counts: Mapping[str, int], deltas: Mapping[float, int], asked: float, unsized: int) -> dict[str, int]:
    """The counts of states, apart what conforms to within larger errors than `asked`, and deviations of unknown size.

    >>> apart({"conforms": 2, "deviation": 1}, {0.05: 1, 0.25: 1}, 0.05, 1)
    {'conforms': 1, 'conforms to within 25 % only': 1, 'deviation of a size that nobody measured': 1}
    """
    many, errors = _larger(deltas, asked)
    found: dict[str, int] = {}
    for state, n in counts.items():
        less = {"conforms": many, "deviation": unsized}.get(state, 0)
        how = f"to within {errors} only" if state == "conforms" else UNSIZED
        found |= {state: n - less, f"{state} {how}": less}
    return {state: n for state, n in found.items() if n}


@once
def _deltas(verdicts: Iterable[Verdict]) -> Counter[float]:
    """How many conforming verdicts exclude errors of each size."""
    return Counter(v.delta for v in verdicts if v.state == "conforms")


@once
def unmeasured(verdicts: Iterable[Verdict]) -> int:
    """How many violations were taken as documented whatever their size, for nobody had measured one."""
    return sum(map(is_unsized, verdicts))


def is_unsized(verdict: Verdict) -> bool:
    """Whether it was taken as documented whatever its size."""
    return verdict.state == "deviation" and verdict.deviation is not None and not verdict.deviation.sized


@once
def drawn(verdicts: Iterable[Verdict]) -> bool:
    """Whether draws left something undecided: an exact claim leaves open what rounding may do as well."""
    return any(v.state == "undecided" and v.beta > 0 for v in verdicts)


def headline(run: Run) -> str:
    """The counts of a run in one sentence.

    Counted apart: what conforms to within larger errors than the run's, and deviations of which no size is known.
    """
    counts = tally(run.verdicts)
    many, errors = looser(run)
    closely = counts.get("conforms", 0) - many
    unsized = unmeasured(run.verdicts)
    sized = counts.get("deviation", 0) - unsized
    phrases = {
        "conforms": "{n:,} conform" if closely != 1 else "1 conforms",
        "looser": f"{{n:,}} conform{'' if many != 1 else 's'} to within {errors} only",
        "deviation": "{n:,} documented deviations" if sized != 1 else "1 documented deviation",
        "unsized": "{n:,} documented deviation" + ("s" * (unsized != 1)) + f" {UNSIZED}",
        "VIOLATES": "{n:,} violate" if counts.get("VIOLATES") != 1 else "1 violates",
        "error": "{n:,} errors" if counts.get("error") != 1 else "1 error",
        "undecided": "{n:,} undecided",
        "not applicable": "{n:,} not applicable",
    }
    shown = {**counts, "conforms": closely, "looser": many, "deviation": sized, "unsized": unsized}
    parts = [phrase.format(n=shown[state]) for state, phrase in phrases.items() if shown.get(state)]
    text = f"{quantities(len(run.verdicts), 'verdict')}: {', '.join(parts)}" if parts else "no verdicts"
    if drawn(run.verdicts):
        text += f" (undecided: too few draws to certify {percent(run.run.delta)} within the budget)"
    return text if run.run.complete else f"INTERRUPTED, these are partial results. {text}"
