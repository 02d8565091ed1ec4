"""How many verdicts of a run are in each state: apart, what conforms loosely and deviations of unknown size."""

from collections import Counter
from collections.abc import Iterable, Mapping

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports.records import once
from varlaw.reports.texts import percent, quantities
from varlaw.reports.wording import STATES


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
    """How many verdicts of a run are in each state; those that conform to within larger errors only, by themselves."""
    return apart(tally(run.verdicts), _deltas(run.verdicts), run.run.delta)


def apart(counts: Mapping[str, int], deltas: Mapping[float, int], asked: float) -> dict[str, int]:
    """The counts of states, those that conform to within larger errors than `asked` by themselves.

    >>> apart({"conforms": 2, "undecided": 1}, {0.05: 1, 0.25: 1}, 0.05)
    {'conforms': 1, 'conforms to within 25 % only': 1, 'undecided': 1}
    """
    many, errors = _larger(deltas, asked)
    found: dict[str, int] = {}
    for state, n in counts.items():
        loose = many if state == "conforms" else 0
        found |= {state: n - loose, f"{state} to within {errors} only": loose}
    return {state: n for state, n in found.items() if n}


@once
def _deltas(verdicts: Iterable[Verdict]) -> Counter[float]:
    """How many conforming verdicts exclude errors of each size."""
    return Counter(v.delta for v in verdicts if v.state == "conforms")


@once
def unmeasured(verdicts: Iterable[Verdict]) -> int:
    """How many violations were taken as documented whatever their size, for nobody had measured one."""
    return sum(v.state == "deviation" and v.deviation is not None and not v.deviation.sized for v in verdicts)


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
        "unsized": "{n:,} documented deviation" + ("s" * (unsized != 1)) + " of a size that nobody measured",
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
