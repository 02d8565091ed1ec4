"""Claims on random numbers that are no weights: their range, their law, their different values, what follows on what.

One run of each row is drawn for all four claims and kept as sums; see `varlaw.evidence.curves` for what is exact.
"""

import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.claims.cases import Cases
from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial
from varlaw.claims.documented import resolve
from varlaw.claims.verdict import Outcome
from varlaw.claims.weights.mean_and_grid import judged_values
from varlaw.evidence import curves, rate
from varlaw.evidence.atoms import divergence
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.spending import CURVE_ALPHA, threshold
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.subject import Numbers
from varlaw.theory.domain import Domain

Judging = Callable[[Numbers, Trial], Finding]
Draw = Callable[[int, str, str, int], curves.Floats]

CASES: Mapping[str, Cases] = {"numbers": Cases(Domain(), ({},))}

BLOCK = 1 << 18  # numbers of one call
# Shift of the mean of F(x), in standard deviations of it, that must be found: a mask in 16 bits needs the closest look,
# and 53 bits seldom differ from 24.
_SHIFTS = {"pr": 0.01, "nightly": 0.005, "release": 0.002}
_CLOSER = {"float64": 2.0, "float32": 1.0, "float16": 0.8, "bfloat16": 0.8}
_LAWS = {
    "Uniform": "uniform_range.cdf", "UniformRange": "uniform_range.cdf", "U": "uniform_range.cdf",
    "Normal": "normal.cdf", "Categorical": "categorical.probability", "TruncatedNormal": "truncated_normal.log_mass",
}  # fmt: skip


def claims(subject: Numbers) -> tuple[Claim, ...]:
    """Every claim on one source of numbers; whole ones have no format whose values could be counted."""
    family = re.match(r"\w+", subject.documented)
    assert family
    law = _LAWS.get(family[0]) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", family[0]).lower() + ".cdf"
    whole = curves.Law(resolve(subject.documented, {}), FORMATS["float64"]).whole
    table: tuple[tuple[str, str, Judging], ...] = (
        ("random.range", "no number outside the range that is documented", _range),
        ("random.law", "as many numbers up to each value as the law gives", _law),
        ("random.grid", "as many different values as the format gives, none of them too often", _grid),
        ("random.independent", "no number tells of another one", _independent),
    )
    return tuple(
        Claim(
            name=name, law=law, statement=statement, subject=subject, target=subject.name, op=subject.op,
            judge=functools.partial(judging, subject),
        )
        for name, statement, judging in table
        if not (whole and judging is _grid)
    )  # fmt: skip


def _curve(subject: Numbers, trial: Trial) -> curves.Law:
    return curves.Law(resolve(subject.documented, {}), FORMATS[trial.dtype], subject.without)


def _needed(policy: Policy, dtype: str) -> int:
    """Numbers whose mean of F(x) shows the shift at both risks of a policy."""
    shift = _SHIFTS.get(policy.name, policy.delta) * _CLOSER[dtype]
    found, missed = (math.sqrt(2 * math.log(2 / risk)) for risk in (policy.alpha / 2, policy.beta))
    return math.ceil(((found + missed) / shift) ** 2)


# -- the draws, once for all claims ------------------------------------------------------------------------------------


def _seen(subject: Numbers, trial: Trial) -> curves.Seen:
    size = _size(subject)
    needed = min(_needed(trial.policy, trial.dtype), subject.count or math.inf)
    sizes = (size,) * max(2, math.ceil(needed / size))
    law = _curve(subject, trial)
    return _run(subject.draw, law, sizes, trial.device, trial.policy.alpha, _key(subject, trial))


def _size(subject: Numbers) -> int:
    """Numbers of one call."""
    return min(BLOCK, subject.count // 2 or BLOCK)


def _key(subject: Numbers, trial: Trial) -> Key:
    """The address of the row's numbers, not of the claim's, so that its claims read the same ones."""
    again = canonical({"dtype": trial.dtype, "again": trial.key.block})
    return Key(trial.key.salt, f"numbers:{subject.name}", again, trial.key.stage)


@functools.lru_cache(maxsize=8)
def _run(draw: Draw, law: curves.Law, sizes: tuple[int, ...], device: str, alpha: float, key: Key) -> curves.Seen:
    """All blocks of one row in one dtype."""
    first = _block(draw, sizes[0], law.format.name, device, key)
    if not np.array_equal(first, _block(draw, sizes[0], law.format.name, device, key), equal_nan=True):
        msg = f"the numbers are others when seed {key.seed} is used again"
        raise SamplerError(msg, key.seed)
    found, last = curves.seen(law, first, None, alpha)
    for block, size in enumerate(sizes[1:], 1):
        x = _block(draw, size, law.format.name, device, key.at(block=block))
        one, last = curves.seen(law, x, last, alpha)
        found += one
    return found


def _block(draw: Draw, size: int, dtype: str, device: str, key: Key) -> curves.Floats:
    x = draw(size, dtype, device, key.seed)
    if x.shape != (size,):
        msg = f"an array of shape {x.shape}, but should be ({size},)"
        raise SamplerError(msg, key.seed)
    return x


# -- what they say -----------------------------------------------------------------------------------------------------


def _range(subject: Numbers, trial: Trial) -> Finding:
    """No chance is left to what cannot come up: one number is enough to refute, and none to be sure of its share."""
    seen, curve = _seen(subject, trial), _curve(subject, trial)
    low, high = curve.curve.support
    smallest = math.log(1 / trial.policy.beta) / seen.n
    excluded = f" without {', '.join(f'{x:g}' for x in subject.without)}" if subject.without else ""
    return Finding(
        outcome=Outcome.VIOLATES if seen.outside else Outcome.CONFORMS,
        quantity=f"numbers outside {low:g} to {high:g}{excluded}",
        expected=0.0, observed=float(seen.outside), samples=seen.n, delta=smallest, beta=trial.policy.beta,
        certified=None if seen.outside else smallest, size=seen.outside / seen.n,
        detail=f"{seen.example:.9g} comes up" if seen.outside else "",
    )  # fmt: skip


def _law(subject: Numbers, trial: Trial) -> Finding:
    """The mean, where all is lawful; else the event, of all shares and the mean, that is the least likely."""
    seen, policy = _seen(subject, trial), trial.policy
    events = _curve(subject, trial).events()
    hits = np.array([seen.between(event) for event in events])
    gains = seen.n * divergence(hits / seen.n, np.array([event.chance for event in events]))
    level = threshold(policy.alpha, CURVE_ALPHA["shares"]) + math.log(2 * max(len(events), 1))
    strength = 6 * seen.centred**2 / seen.n  # of the mean: the square of its deviation over its bound's, halved
    most = float(gains.max(initial=0.0))
    lawful = most < level and strength < threshold(policy.alpha, CURVE_ALPHA["mean"] / 2)
    missed = math.log(1 / policy.beta)
    common: dict[str, Any] = {
        "outcome": Outcome.CONFORMS if lawful else Outcome.VIOLATES, "samples": seen.n, "alpha": policy.alpha,
        "beta": policy.beta, "size": math.sqrt(max(most, strength) / seen.n),
    }  # fmt: skip
    if not lawful and most >= strength:
        worst = int(np.argmax(gains))
        event, seldom = events[worst], int(hits[worst])
        low, high = rate.interval(rate.Tally(seen.n, seldom), policy.gamma)
        delta = curves.visible(event.chance, seen.n, level, missed)
        ratio = seldom / seen.n / event.chance
        return Finding(
            quantity=f"share {event.words}", expected=event.chance, observed=seldom / seen.n, ratio=ratio,
            interval=(low / event.chance, high / event.chance), delta=delta,
            log_evidence=most, **common,
        )  # fmt: skip
    mean, wide = 0.5 + seen.centred / seen.n, math.sqrt(math.log(2 / policy.gamma) / (6 * seen.n))
    delta = (math.sqrt(2 * math.log(4 / policy.alpha)) + math.sqrt(2 * missed)) / math.sqrt(3 * seen.n)
    return Finding(
        quantity="mean of F(x)", expected=0.5, observed=mean, ratio=2 * mean, delta=delta,
        interval=(2 * (mean - wide), 2 * (mean + wide)), certified=delta if lawful else None, log_evidence=strength,
        **common,
    )  # fmt: skip


def _grid(subject: Numbers, trial: Trial) -> Finding:
    curve = _curve(subject, trial)
    x = _block(subject.draw, _size(subject), trial.dtype, trial.device, _key(subject, trial))
    x = x[np.isfinite(x)]
    if not x.size:
        msg = "no number is finite"
        raise NotApplicable(msg)
    return judged_values(x, curve.curve, trial.dtype, trial.policy.alpha)


def _independent(subject: Numbers, trial: Trial) -> Finding:
    seen, policy = _seen(subject, trial), trial.policy
    logs = [bet.log(policy.alpha, seen.centred / seen.n) for bet in seen.bets]
    evidence = float(np.logaddexp.reduce(logs) - math.log(len(logs)))
    worst = int(np.argmax(logs))
    bet = seen.bets[worst]
    lawful = evidence < math.log(1 / policy.alpha)
    # A correlation is found from 1.4 / sqrt(n) times the roots of both risks on.
    delta = math.sqrt(2 / bet.n) * (
        math.sqrt(math.log(2 * len(logs) / policy.alpha)) + math.sqrt(math.log(1 / policy.beta))
    )
    return Finding(
        outcome=Outcome.CONFORMS if lawful else Outcome.VIOLATES,
        quantity=f"1 + correlation with {curves.LAGS[worst]}", expected=1.0, observed=1 + bet.correlation,
        ratio=1 + bet.correlation, samples=seen.n, delta=delta, certified=delta if lawful else None,
        alpha=policy.alpha, beta=policy.beta, log_evidence=evidence,
    )  # fmt: skip
