"""The words and symbols for states, verdicts and runs that every report shares, so that no two say it differently.

Vocabulary: *state* (what a person reads: conforms, deviation, VIOLATES, undecided, error, not applicable), *finding* (a
state that somebody should look at).
"""

import math
import shlex
from typing import Any, Final

from varlaw.claims.verdict import Deviation, Outcome, RunInfo, Verdict
from varlaw.reports.texts import count, number, percent, plain, quantities, risk, tidy
from varlaw.reports.typed import typed

STATES: Final = ("VIOLATES", "error", "undecided", "deviation", "conforms", "not applicable")  # worst first
SYMBOLS: Final = {
    "VIOLATES": "✕",
    "error": "!",
    "undecided": "?",
    "deviation": "◆",
    "conforms": "✓",
    "not applicable": "–",  # noqa: RUF001  an en dash reads as "nothing here", a hyphen as a minus
    "not run": "·",
}
LETTERS: Final = {state: state[0].lower() for state in STATES}  # v e u d c n: one class of the style sheet each
MEANINGS: Final = {
    "VIOLATES": "the law does not hold, and nobody has documented why",
    "error": "the subject could not be run",
    "undecided": "neither shown nor refuted within the budget",
    "deviation": "the law does not hold, as documented",
    "conforms": "the law holds within delta, shown at the stated risk",
    "not applicable": "the law says nothing about this case",
    "not run": "no verdict in this run",
}


def severity(state: str) -> int:
    """The rank of a state, 0 for the worst; states that no verdict can have come last.

    >>> severity("VIOLATES") < severity("conforms")
    True
    """
    return STATES.index(state) if state in STATES else len(STATES)


def ratio(verdict: Verdict) -> str:
    """The ratio of measured to expected, with as many digits as its interval supports; "" when there is none.

    An exact ratio that differs from 1 by less than 1e-4 is written as that difference: `1 + 3e-8`.
    """
    value = verdict.ratio
    if value is None:
        return ""
    if verdict.interval is None and 0 < abs(value - 1) < 1e-4:
        return f"1 {'+' if value > 1 else '-'} {tidy(f'{abs(value - 1):.2g}')}"
    return f"{value:.{_digits(verdict)}f}" if 1e-3 <= abs(value) < 1e4 else number(value)


def one_sided(verdict: Verdict) -> bool:
    """Whether the law only sets a limit: what conforms lies off 1 by more than rounding, on the safe side."""
    exact = verdict.outcome is Outcome.CONFORMS and verdict.interval is None and verdict.ratio is not None
    return exact and abs((verdict.ratio or 1.0) - 1) > max(verdict.delta, 1e-6)


def interval(verdict: Verdict) -> str:
    """The 99.9 % interval of the ratio in brackets, or the word exact where a single number decides; "" for neither.

    An exact number may be held against a bound that holds but for a risk: then the risk is said.
    """
    if verdict.interval is None:
        exact = "exact, one-sided" if one_sided(verdict) else "exact"
        exact += f" but for {risk(verdict.alpha)}" if verdict.alpha else ""
        return exact if verdict.ratio is not None else ""
    low, high = verdict.interval
    digits = _digits(verdict)
    left = "(-inf" if low is None else f"[{_fixed(low, digits)}"
    right = "inf)" if high is None else f"{_fixed(high, digits)}]"
    return f"{left}, {right}"


def _fixed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if abs(value) < 1e4 else number(value)


def _digits(verdict: Verdict) -> int:
    low, high = verdict.interval or (None, None)
    if low is None or high is None or high <= low:
        return 4
    return min(max(3, 1 - math.floor(math.log10(high - low))), 8)


def vanished(verdict: Verdict) -> str:
    """What a measurement of exactly 0 says where something is expected; "" for any other.

    >>> from types import SimpleNamespace as of
    >>> [vanished(of(ratio=0.0, observed=0.0, interval=None, quantity=q)) for q in ("norm", "std", "pairs that differ")]
    ['all zeros', 'no spread', 'none']
    """
    if verdict.ratio != 0 or verdict.observed != 0 or verdict.interval is not None:
        return ""
    if verdict.quantity.partition(" ")[0] in ("std", "variance"):
        return "no spread"
    return "none" if " that " in verdict.quantity else "all zeros"


def evidence(verdict: Verdict) -> str:
    """Ratio and interval in one phrase; where there is no ratio, what was measured instead of what."""
    if nothing := vanished(verdict):
        return nothing
    if verdict.ratio is None and verdict.observed is not None:
        return f"{number(verdict.observed)} for {number(verdict.expected)}"
    return f"{ratio(verdict)} {interval(verdict)}".strip()


def certified(verdict: Verdict) -> str:
    """The smallest error that the draws exclude.

    "" for none, for exact claims, which have no draws, and for laws found broken: that would be how far off they are.
    """
    if verdict.certified is None or verdict.interval is None or verdict.outcome is Outcome.VIOLATES:
        return ""
    return percent(verdict.certified)


def likely(verdict: Verdict) -> str:
    """The wrong law that explains a violation best, with its evidence; "" for none."""
    if not verdict.likely:
        return ""
    ratio = verdict.likely_log_ratio
    return f"most likely: {plain(verdict.likely)}" + (f" (ln LR {ratio:+.3g})" if ratio is not None else "")


def undecided(verdict: Verdict) -> str:
    """What an undecided verdict does certify; of exact claims nothing, for their bound is wider than the effect."""
    if verdict.interval is None and verdict.beta == 0:
        return f"the bound on what rounding may do, {percent(verdict.delta)}, is wider than what is to be seen"
    wanted = f"{percent(verdict.delta)} was asked for"
    if verdict.certified is None:
        return f"nothing certified yet ({wanted}): give it more draws"
    return f"certified to within {percent(verdict.certified)} ({wanted}): give it more draws to decide"


def effort(verdict: Verdict) -> str:
    """What the decision cost: draws of a sampler, or entries compared for an exact law; "" for none."""
    if not verdict.samples:
        return ""
    return f"{count(verdict.samples)} {'draws' if verdict.interval is not None else 'compared'}"


STANDINGS = {"broken": "broken promise", "choice": "documented choice", "law": "our law, nothing promised"}


def standing(known: Deviation) -> str:
    """Which of three a documented deviation is, with the words of the framework and their place."""
    said = STANDINGS.get(known.standing, known.standing)
    return f'{said}, "{plain(typed(known.promise))}" ({plain(known.promised_at)})' if known.promise else said


def foreseen(known: Deviation) -> str:
    """The ratio that a documented deviation foresaw, or the range of it; "" where no finite number was foreseen."""
    if not known.sized:
        return "any size"
    if known.ratio is not None or known.range is None:
        return "" if known.ratio is None else number(known.ratio)
    low, high = ("-inf" if known.range[0] is None else number(known.range[0])), number(known.range[1])
    if known.range == (None, None):
        return "no finite number"
    return low if low == high else f"{low} to {'inf' if known.range[1] is None else high}"


def case_text(case: dict[str, Any]) -> str:
    """The parameters of a case in one line; of a claim on all cases together, how many they are.

    >>> case_text({"in": 2, "kernel": (3, 3), "bias": True})
    'in=2 kernel=(3, 3) bias=True'
    >>> case_text({"cases": [{"in": 2}, {"in": 3}]})
    '2 cases together'
    """
    together = case.get("cases")
    if len(case) == 1 and isinstance(together, (list, tuple)):
        return quantities(len(together), "case") + " together"
    return " ".join(f"{plain(str(k))}={_value(v)}" for k, v in case.items())


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        inner = ", ".join(map(_value, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float):
        return tidy(f"{value:.6g}")
    return plain(str(value))


def looked_for(info: RunInfo) -> str:
    """The errors that a run was out to find: in one case, and shared by all cases of a claim."""
    return percent(info.delta) + (f" ({percent(info.pooled)} over all cases)" if info.pooled < info.delta else "")


def script(verdict: Verdict) -> str:
    """The reproduction of a verdict, line by line free of what a page cannot hold."""
    return "\n".join(plain(line) for line in verdict.reproduction.splitlines())


def replay_command(verdict: Verdict) -> str:
    """The command that repeats a decision bit for bit, quoted for a POSIX shell; "" when there is no key."""
    return f"varlaw replay {shlex.quote(plain(verdict.replay))}" if verdict.replay else ""


def verify_command(info: RunInfo) -> str:
    """The command that repeats a run, quoted for a POSIX shell."""
    options = {"--policy": info.policy, "--salt": info.salt}
    words = [shlex.quote(plain(w)) for pair in options.items() for w in pair if all(pair)]
    return " ".join(["varlaw verify", *words, *(shlex.quote(plain(t)) for t in info.targets)])


def foreign_versions(info: RunInfo) -> dict[str, str]:
    """The versions of everything but varlaw itself, which the record names on its own."""
    return {k: v for k, v in info.versions.items() if k.partition(".")[0] != "varlaw"}


def run_name(info: RunInfo) -> str:
    """A run in a few words: its versions, then policy and devices."""
    versions = ", ".join(
        f"{plain(k)} {plain(v)}" for k, v in foreign_versions(info).items() if k not in ("numpy", "scipy")
    )
    return f"{versions or 'varlaw ' + plain(info.varlaw)} ({plain(info.policy)}, {plain(' '.join(info.devices))})"
