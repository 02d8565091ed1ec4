"""Does a remedy remove a symptom? Pairs of runs, without and with it, decided by bets on how often it does.

A pair in which the symptom is there on either side is a trial: a hit where the remedy's side is free of it. With q the
probability of a hit, two bets run along, each an e-process, so that one may look after every pair:

* against q <= 1/2 (it helps no more often than not): at 1/alpha the remedy *removes* it;
* against q >= 0.9 (it removes it nearly always): at 1/beta it *does not*.

No bet against q <= 1/2 can more than double in a pair, so 1e-6 takes 20 pairs at least; this one takes 21.
"""

import math
from collections.abc import Callable

import numpy as np

from varlaw.diagnose.advising.records import Trial
from varlaw.evidence.rate import Tally, log_likelihood

ALPHA, BETA = 1e-6, 1e-3
HALF, NEARLY = 0.5, 0.9
_MOST = 60  # pairs
_IDLE = 6  # pairs without the symptom on either side before the first with it: there is nothing to remove
_UP = ((1.0, 0.5), (0.95, 0.25), (0.8, 0.25))  # alternatives and their weights
_DOWN = ((0.0, 0.5), (0.3, 0.25), (0.6, 0.25))

Pair = Callable[[int], tuple[bool, bool]]  # whether the symptom is there without and with the remedy


def removes(tally: Tally) -> float:
    """Log e-value against q <= 1/2.

    >>> removes(Tally(20, 20)) < math.log(1e6) < removes(Tally(21, 21))
    True
    """
    return _mixed(tally, HALF, _UP)


def keeps(tally: Tally) -> float:
    """Log e-value against q >= 0.9.

    >>> keeps(Tally(3, 0)) < math.log(1e3) < keeps(Tally(4, 0))
    True
    """
    return _mixed(tally, NEARLY, _DOWN)


def _mixed(tally: Tally, null: float, alternatives: tuple[tuple[float, float], ...]) -> float:
    logs = [math.log(w) + log_likelihood(q, tally) for q, w in alternatives]
    return float(np.logaddexp.reduce(logs)) - log_likelihood(null, tally)


def decided(stage: str, symptom: str, remedy: str, pair: Pair) -> Trial:
    """Runs pairs until one of the bets is won, there is nothing to remove, or there are 60 of them."""
    tally, idle = Tally(), 0
    outcome = "UNDECIDED"
    for number in range(_MOST):
        without, behind = pair(number)
        if not (without or behind):
            idle += 1
            if not tally.n and idle >= _IDLE:
                outcome = "REFUSED"
                break
            continue
        tally += Tally(1, int(not behind))
        if removes(tally) >= math.log(1 / ALPHA):
            outcome = "REMOVES"
            break
        if keeps(tally) >= math.log(1 / BETA):
            outcome = "DOES_NOT"
            break
    return Trial(
        stage=stage, symptom=symptom, outcome=outcome, says=_says(outcome, symptom, remedy, tally, idle), pairs=tally.n,
        removed=tally.hits, kept=tally.n - tally.hits, alpha=ALPHA, beta=BETA,
    )  # fmt: skip


def _says(outcome: str, symptom: str, remedy: str, tally: Tally, idle: int) -> str:
    match outcome:
        case "REMOVES":
            return (
                f"{remedy} removes {symptom} (alpha {_risk(ALPHA)}, {tally.n} pairs, {tally.hits} of them free of it)"
            )
        case "DOES_NOT":
            return f"{remedy} does not remove {symptom} (beta {_risk(BETA)}, {tally.n} pairs, {tally.hits} free of it)"
        case "REFUSED":
            return f"{symptom} is in none of {idle} pairs: there is nothing to remove, so {remedy} is refused"
    return f"undecided whether {remedy} removes {symptom}: {tally.hits} of {tally.n} pairs are free of it"


def _risk(x: float) -> str:
    return f"{x:.0e}".replace("e-0", "e-")
