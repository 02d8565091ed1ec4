"""One row decided on one experiment in one case: by draws where the law is a mean, entry by entry where it is exact.

All rows of an experiment read the same runs, which are kept for the next row: their streams are addressed by the
experiment and not by the claim. Each decision keeps its own risk, whatever the others saw.
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.experiments.rows import Row, Shows
from varlaw.claims.verdict import Outcome
from varlaw.evidence import averages
from varlaw.evidence.exact import SMALL, compare
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import canonical
from varlaw.subjects.subject import Case, Experiment
from varlaw.theory.catalogue import LAWS

Floats = NDArray[np.float64]
Run = Callable[[Case, str, str, int, int], Mapping[str, Floats]]

_FINEST = 0.01  # relative error of a std: what a policy asks for beyond that is left to the claims on single functions
_TRIES = 64  # runs of which each number is compared


def claim(subject: Any, run: Run, row: Row, op: str = "") -> Claim:
    """The claim that a row makes on a subject, whose runs are given, in the cases of its op or of another."""
    law = LAWS[row.law]
    formula = f"{law.quantity} = {law.formula}"
    return Claim(
        name=row.name or f"law.{row.law}",
        law=row.law,
        statement=formula if len(formula) <= 90 else law.title,
        subject=subject,
        target=subject.name,
        op=op or subject.op,
        judge=lambda trial: judged(run, row, trial),
        dtypes=row.dtypes,
    )


def of_experiment(subject: Experiment, rows: tuple[Row, ...]) -> tuple[Claim, ...]:
    """The claims on one experiment."""
    return tuple(claim(subject, subject.run, row) for row in rows)


def judged(run: Run, row: Row, trial: Trial) -> Finding:
    """The finding of one row in one case."""
    why = row.unless(trial.case, trial.policy) if row.unless else ""
    if why:
        raise NotApplicable(why)
    if row.shows in (Shows.EACH, Shows.LIMIT):
        return _compared(run, row, trial)
    value = LAWS[row.law].value(**row.given(trial.case))
    expected = float(row.expected(value, trial.case)) * trial.factor
    delta = max(trial.policy.delta, _FINEST)
    scale = abs(expected) if row.scale is None else row.scale(trial.case)
    own = row.band(trial.case) * scale if row.band else 0.0
    band = own + row.roundings * FORMATS[trial.dtype].unit * scale
    error = own + ((1 + delta) ** row.power - 1) * scale
    if band >= error:
        return _blind(expected, band / scale, trial)
    law = averages.Mean(expected, error, band, row.kurtosis, row.block)
    key = replace(trial.key, claim="runs", params=canonical({"params": trial.key.params, "of": _address(trial)}))
    found = averages.decide(law, _numbers(run, row, trial), trial.policy, key)
    return _told(found, law, row, trial, scale)


def _blind(expected: float, band: float, trial: Trial) -> Finding:
    """Nothing drawn: what the format's rounding may do to the mean is as wide as the error that is to be found."""
    detail = f"{trial.dtype} is too coarse: rounding may move the mean by {band:.3g} of its size"
    return Finding(
        outcome=Outcome.UNDECIDED, quantity="mean", expected=expected, delta=band, alpha=trial.policy.alpha,
        beta=trial.policy.beta, detail=detail,
    )  # fmt: skip


def _address(trial: Trial) -> str:
    """Whose runs these are: the target, which a claim's key names after the claim."""
    return trial.key.claim.partition(":")[2]


def _numbers(run: Run, row: Row, trial: Trial) -> averages.Numbers:
    many = 2 if row.shows is Shows.VARIANCE else 1
    case = canonical(trial.case)

    def source(seed: int, count: int) -> Floats:
        runs = kept if count > averages.FEW else kept.__wrapped__  # a guard's repetition must run again
        x = _quantity(runs(run, case, trial.dtype, trial.device, seed, many * count), row)
        return np.square(x[0::2] - x[1::2]) / 2 if many == 2 else x

    return source


def kurtosis(run: Run, row: Row, trial: Trial) -> float:
    """The kurtosis that four blocks of a row's numbers show; 0 where they are all one."""
    source = _numbers(run, row, trial)
    x = np.concatenate([source(trial.key.at(block=b, stage=2).seed, row.block) for b in range(4)])
    squares = np.square(x - x.mean())
    return float(np.mean(squares**2) / np.mean(squares) ** 2) if squares.any() else 0.0


def _quantity(seen: Mapping[str, Floats], row: Row) -> Floats:
    if row.of not in seen:
        msg = f"the framework has no {row.of} here"
        raise NotApplicable(msg)
    return seen[row.of]


@functools.lru_cache(maxsize=128)
def kept(run: Run, case: str, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
    """The numbers of runs, of which the next rows read others."""
    return run(msgspec.json.decode(case), dtype, device, seed, count)


_ROOTS = {1: "", 2: ", delta of its root", 4: ", delta of its 4th root", 8: ", delta of its 8th root"}


def _told(found: averages.Average, law: averages.Mean, row: Row, trial: Trial, scale: float) -> Finding:
    """The finding in the law's own unit; delta, as a policy means it, is the error of a scale: of a root of moments."""
    value = law.value
    low, high = found.interval
    ends = (low / value, high / value) if value > 0 else (high / value, low / value) if value else None
    delta = float((1 + law.error / scale) ** (1 / row.power) - 1)
    shown = "variance" if row.shows is Shows.VARIANCE else "mean"
    return Finding(
        outcome=Outcome(found.outcome),
        quantity=shown + _ROOTS.get(row.power, f", delta of its {row.power}th root"),
        expected=value,
        observed=found.mean,
        ratio=found.mean / value if value else None,
        interval=ends,
        samples=found.n,
        delta=delta,
        certified=delta if found.outcome == "CONFORMS" else None,
        alpha=trial.policy.alpha,
        beta=trial.policy.beta,
        log_evidence=found.log_evidence,
        detail="" if ends else f"between {low:.4g} and {high:.4g}",
    )


def _compared(run: Run, row: Row, trial: Trial) -> Finding:
    seen = run(trial.case, trial.dtype, trial.device, trial.key.seed, _TRIES)
    observed = np.ravel(_quantity(seen, row))
    known = {**seen, **trial.case}
    value = np.asarray(row.expected(LAWS[row.law].value(**row.given(known)), known))
    expected = _held(np.broadcast_to(value, seen[row.of].shape).ravel(), FORMATS[trial.dtype].largest)
    scale = np.abs(expected) if row.scale is None else np.broadcast_to(row.scale(known), expected.shape)
    fmt = FORMATS[trial.dtype]
    bounds = row.roundings * fmt.unit * scale + np.where(expected == 0, 0.0, fmt.spacing(0.0))
    if row.shows is Shows.LIMIT:
        return _limited(observed, expected, bounds)
    comparison = compare(observed.tolist(), expected.tolist(), bounds.tolist())
    at = f"{row.of} at x = {known[row.place][comparison.worst]:.6g}" if row.place and not comparison.holds else ""
    if math.isnan(comparison.observed):
        at = f"NaN: {at}".rstrip(": ")
    finding = deterministic(comparison, quantity="value", detail=at)
    # Both of the scale that the row states, beside which a number itself may be tiny; 0 where nothing is allowed for.
    delta = row.roundings * fmt.unit if bounds.any() else 0.0
    off = _largest(observed, expected, scale)
    if comparison.holds:  # nothing conforms that is off by more
        delta = min(delta, SMALL)
    return msgspec.structs.replace(
        finding,
        delta=delta,
        certified=delta if comparison.holds else None,
        loose=off if comparison.holds and off > SMALL else 0.0,
    )


def _largest(observed: Floats, expected: Floats, scale: Floats) -> float:
    """The largest difference as a share of the scale, where there is one."""
    differ = (observed != expected) & (scale > 0)
    return float(np.max(np.abs(observed - expected)[differ] / scale[differ], initial=0.0))


def _held(expected: Floats, largest: float) -> Floats:
    """What a format makes of numbers that it cannot hold: inf."""
    return np.where(np.abs(expected) > largest, np.copysign(np.inf, expected), expected)


def _limited(observed: Floats, most: Floats, bounds: Floats) -> Finding:
    worst = int(np.argmax(observed - most - bounds))
    holds = bool(observed[worst] <= most[worst] + bounds[worst])
    ratio = float(observed[worst] / most[worst]) if most[worst] else math.inf
    return Finding(
        outcome=Outcome.CONFORMS if holds else Outcome.VIOLATES,
        quantity="largest value",
        expected=float(most[worst]),
        observed=float(observed[worst]),
        ratio=ratio,
        samples=observed.size,
        delta=float(bounds[worst] / most[worst]) if most[worst] else 0.0,
    )
