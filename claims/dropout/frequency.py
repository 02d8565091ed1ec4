"""Claims on dropout: how often it drops, what it does to the mean, what is kept, and that no mask depends on another.

Each is decided by itself, since errors of one hide those of another: `dropout.kept` compares what is kept with
x / (1 - p) to rounding, `dropout.rate` counts what is dropped, `dropout.mean` asks whether the share kept times the
factor seen gives the mean back, which a factor rounded to 16 bits does not. Counts go to the evidence room's binomial
test. Its delta is relative to p and twice the policy's, at least 2 %: a p of 0.01 tells little per draw.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic, statistical
from varlaw.claims.dropout.masks import Masks
from varlaw.claims.verdict import Outcome
from varlaw.evidence import rate
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import SamplerError, decide
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.rate import Tally
from varlaw.subjects.subject import Dropout
from varlaw.theory.catalogue import LAWS
from varlaw.theory.variates import Normal

Floats = NDArray[np.float64]
Judging = Callable[[Dropout, Trial], Finding]

_LEAST_DELTA = 0.02
_BAND = 2.0**-23  # a probability compared with uniforms of 23 or 24 bits
_DEPENDENCE = 0.25  # relative change of the drop rate beside, before or above a dropped unit that must be found
_FEW, _BLOCK, _MOMENTS, _WIDEST = 1 << 12, 1 << 14, 1 << 16, 1 << 20  # entries of a call


def claims(subject: Dropout) -> tuple[Claim, ...]:
    """The claims on one dropout."""
    if subject.op == "gaussian_dropout":
        return (_claim(subject, "dropout.noise", "dropout.mean", "y/x ~ N(1, p/(1 - p))", _noise),)
    alpha = subject.op.endswith("alpha_dropout")
    found = [
        _claim(subject, "dropout.rate", "dropout.mean", "P(dropped) = p", _rate),
        _claim(
            subject, "dropout.independent", "dropout.mean", "masks share nothing with their neighbours", _independent
        ),
    ]
    if alpha:
        kept, mean = "alpha_dropout.scale", "alpha_dropout.mean"
        found += [
            _claim(subject, "dropout.kept", kept, "kept: a x + b; dropped: a SELU(-inf) + b", _kept),
            _claim(subject, "dropout.mean", mean, "E y as for the published a, b", _balanced("mean")),
            _claim(subject, "dropout.variance", "alpha_dropout.variance", "Var y as for a, b", _balanced("variance")),
        ]
    else:
        found += [
            _claim(subject, "dropout.kept", "dropout.mean", "kept: x / (1 - p); dropped: 0", _kept),
            _claim(subject, "dropout.mean", "dropout.mean", "E y = x", _mean),
        ]
    found.append(_claim(subject, "dropout.none", found[-1].law, "p = 0 changes nothing", _none))
    if subject.op not in ("dropout", "alpha_dropout"):
        found.append(_claim(subject, "dropout.shared", "dropout.mean", "a unit is dropped whole", _shared))
    return tuple(found)


def _claim(subject: Dropout, name: str, law: str, statement: str, judging: Judging) -> Claim:
    return Claim(
        name=name, law=law, statement=statement, subject=subject, target=subject.name, op=subject.op,
        judge=lambda trial: judging(subject, trial),
    )  # fmt: skip


# -- what is kept, exactly ---------------------------------------------------------------------------------------------


def _kept(subject: Dropout, trial: Trial) -> Finding:
    """Kept entries to rounding (of factors, products and sums, each to the dtype); dropped ones exactly, where 0."""
    masks = Masks(subject, trial)
    block, unit = masks.draw(0, _FEW), FORMATS[trial.dtype].unit
    expected = np.where(block.dropped, masks.value, block.ideal)
    bound = 4 * unit * (np.abs(masks.scale * block.x) + abs(masks.shift) + abs(masks.value))
    allowed = np.where(block.dropped & (masks.value == 0), 0.0, bound)
    scale = np.where(block.dropped, masks.value, np.abs(masks.scale * block.x) + abs(masks.shift))
    comparison = compare(*(x.ravel().tolist() for x in (block.y, expected, allowed, scale)))
    return deterministic(comparison, quantity="entry", names={"kept": block.factor})


def _none(subject: Dropout, trial: Trial) -> Finding:
    """A uniform number may be 0, in 16 bits once in 256 to 2,048 draws: there it must not drop."""
    x = FORMATS[trial.dtype].round_all(1 + trial.key.generator().random((64, 16, 16)))
    y = subject.apply(x, 0.0, trial.dtype, trial.device, trial.key.seed & 0x7FFFFFFF)
    untouched = int((x == y).sum())
    comparison = compare([untouched], [x.size], [0.0])
    return deterministic(comparison, quantity="entries untouched")


def _shared(subject: Dropout, trial: Trial) -> Finding:
    masks = Masks(subject, trial)
    block = masks.draw(0, _FEW)
    units = block.dropped.mean(axis=masks.within)
    whole = int(((units == 0) | (units == 1)).sum())
    comparison = compare([whole], [units.size], [0.0])
    return deterministic(comparison, quantity="units kept or dropped whole", names={"units": units.size})


# -- how often, and in the mean ----------------------------------------------------------------------------------------


def _rate(subject: Dropout, trial: Trial) -> Finding:
    p = trial.case["p"]
    outcome, tally, policy = _counted(subject, trial, p * trial.factor)
    return _share(outcome, tally, policy, trial, expected=p, quantity="share dropped")


def _mean(subject: Dropout, trial: Trial) -> Finding:
    """E y / x = (1 - q) s with the factor s seen on kept entries: 1 if and only if q = 1 - 1/s."""
    p, kept = trial.case["p"], Masks(subject, trial).draw(0, _MOMENTS).factor
    s = kept / (1 - p)
    q = 1 - trial.factor / s
    if not 0 < q < 1:
        detail = f"kept entries are multiplied by {s:.6g}: no share of dropped ones gives the mean back"
        comparison = compare([(1 - p) * s], [1.0], [0.0])
        return deterministic(comparison, quantity="mean of y/x", names={"kept": kept}, detail=detail)
    outcome, tally, policy = _counted(subject, trial, q)
    low, high = rate.interval(tally, policy.gamma)
    mean, share = (1 - tally.hits / tally.n) * s, policy.delta * q / (1 - q)
    return Finding(
        outcome=Outcome(outcome), quantity="mean of y/x", expected=1.0, observed=mean, ratio=mean,
        interval=((1 - high) * s, (1 - low) * s), samples=tally.n, delta=share, alpha=policy.alpha, beta=policy.beta,
        certified=share if outcome == "CONFORMS" else None, names={"kept": kept},
    )  # fmt: skip


def _balanced(moment: str) -> Judging:
    """The drop rate that gives the law's moment, with what was seen of the values kept and dropped."""

    def judging(subject: Dropout, trial: Trial) -> Finding:
        masks, p = Masks(subject, trial), trial.case["p"]
        block = masks.draw(0, _MOMENTS)
        (scale, shift), value = block.line(), masks.value_seen(block)
        m, v = float(block.x.mean()), float(block.x.var())
        centre = scale * m + shift
        if moment == "mean":
            wanted = LAWS["alpha_dropout.mean"].value(mean=m, rate=p)
            q = (centre - wanted) / (centre - value)
        else:
            wanted = LAWS["alpha_dropout.variance"].value(variance=v, mean=m, rate=p)
            q = _rate_of_variance(wanted, scale * scale * v, centre - value, p)
        names = {"share": q}
        if not 0 < q * trial.factor < 1:
            comparison = compare([p], [q], [0.0])
            return deterministic(comparison, quantity=f"share dropped, that keeps the {moment}", names=names)
        outcome, tally, policy = _counted(subject, trial, q * trial.factor)
        quantity = f"share dropped, against what keeps the {moment}"
        return _share(outcome, tally, policy, trial, expected=q, quantity=quantity, names=names)

    return judging


def _rate_of_variance(wanted: float, kept: float, gap: float, p: float) -> float:
    """q with (1 - q) kept + q (1 - q) gap^2 = wanted, the root next to p; -1 where there is none."""
    a, b, c = -gap * gap, gap * gap - kept, kept - wanted
    if b * b < 4 * a * c:
        return -1.0
    roots = ((-b + sign * math.sqrt(b * b - 4 * a * c)) / (2 * a) for sign in (1, -1))
    return min(roots, key=lambda q: abs(q - p))


def _counted(subject: Dropout, trial: Trial, p: float) -> tuple[str, Tally, Policy]:
    """The share of dropped units decided against p, block by block."""
    policy = replace(trial.policy, delta=max(2 * trial.policy.delta, _LEAST_DELTA))
    tally, outcome, masks, block = Tally(), "UNDECIDED", Masks(subject, trial), 0
    while outcome == "UNDECIDED":
        units = masks.units(masks.draw(block, min(max(_BLOCK, masks.entries(tally.n // 2)), _WIDEST)))
        tally, block = tally + Tally(units.size, int(units.sum())), block + 1
        outcome = rate.outcome(tally, p, policy, _BAND)
    return outcome, tally, policy


def _share(
    outcome: str,
    tally: Tally,
    policy: Policy,
    trial: Trial,
    *,
    expected: float,
    quantity: str,
    names: dict[str, float] | None = None,
) -> Finding:
    low, high = rate.interval(tally, policy.gamma)
    share = tally.hits / max(tally.n, 1)
    return Finding(
        outcome=Outcome(outcome), quantity=quantity, expected=expected, observed=share, ratio=share / expected,
        interval=(low / expected, high / expected), samples=tally.n, delta=policy.delta, alpha=policy.alpha,
        beta=policy.beta, certified=policy.delta if outcome == "CONFORMS" else None,
        log_evidence=rate.violation(tally, expected * trial.factor, policy.delta, _BAND), names=names or {},
    )  # fmt: skip


# -- independence ------------------------------------------------------------------------------------------------------


def _independent(subject: Dropout, trial: Trial) -> Finding:
    """After a dropped unit the next one along every axis, and in the next call, is dropped with probability p again."""
    p, masks = trial.case["p"], Masks(subject, trial)
    policy = replace(trial.policy, delta=_DEPENDENCE)
    if frozen := _frozen(masks):
        return frozen
    tallies: dict[str, Tally] = {}
    before: NDArray[np.bool_] | None = None
    outcome, block = "UNDECIDED", 0
    enough = 2 * rate.cap(p, policy.delta, policy.alpha, policy.beta)
    while outcome == "UNDECIDED" and min((t.n for t in tallies.values()), default=0) < enough:
        units = masks.units(masks.draw(block, 4 * _BLOCK))
        for name, earlier, later in _neighbours(units, before):
            tallies[name] = tallies.get(name, Tally()) + Tally(int(earlier.sum()), int((earlier & later).sum()))
        before, block = units, block + 1
        outcome = _all_settled(tallies, p, policy.delta, policy.alpha, policy.beta)
    name, worst = max(tallies.items(), key=lambda item: rate.violation(item[1], p, policy.delta))
    quantity = f"share dropped after a dropped one, {name}"
    return _share(outcome, worst, policy, trial, expected=p, quantity=quantity)


def _all_settled(tallies: dict[str, Tally], p: float, delta: float, alpha: float, beta: float) -> str:
    """VIOLATES by the average of the e-values, CONFORMS where every single dependence is excluded."""
    logs = [rate.violation(t, p, delta, _BAND) for t in tallies.values()]
    if float(np.logaddexp.reduce(logs)) - math.log(len(logs)) >= math.log(1 / alpha):
        return "VIOLATES"
    clear = all(rate.conformity(t, p, delta) >= math.log(1 / beta) for t in tallies.values())
    return "CONFORMS" if clear else "UNDECIDED"


def _neighbours(
    units: NDArray[np.bool_], before: NDArray[np.bool_] | None
) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    for axis in range(units.ndim):
        if units.shape[axis] > 1:
            along = np.moveaxis(units, axis, 0)
            yield f"next along axis {axis}", along[:-1], along[1:]
    if before is not None and before.shape == units.shape:
        yield "same place in the next call", before, units


def _frozen(masks: Masks) -> Finding | None:
    """The same seed gives the same mask, another seed another: else n copies of one mask would pass for n masks.

    Few units may all be kept twice by chance; eight more seeds that agree are none.
    """
    first, again = (masks.draw(0, _BLOCK).dropped for _ in range(2))
    if not np.array_equal(first, again):
        msg = "the mask is another when its seed is used again"
        raise SamplerError(msg)
    others = sum(not np.array_equal(first, masks.draw(block, _BLOCK).dropped) for block in range(1, 9))
    if others:
        return None
    quantity, detail = "other seeds whose mask is another", "the mask does not depend on the seed"
    return deterministic(compare([0.0], [8.0], [0.0]), quantity=quantity, detail=detail)


# -- gaussian noise ----------------------------------------------------------------------------------------------------


def _noise(subject: Dropout, trial: Trial) -> Finding:
    """y/x - 1 on ones; the grid of the format about 1 moves the variance of the noise by at most step^2 / 6."""
    p, fmt = trial.case["p"], FORMATS[trial.dtype]
    law = Normal(math.sqrt(p / (1 - p)) * trial.factor)
    step = 4 * fmt.unit
    if step > law.std / 4:
        msg = f"noise of std {law.std:.3g} about 1 falls on a few numbers of {trial.dtype}"
        raise NotApplicable(msg)

    def draw(seed: int, count: int) -> Iterator[Floats]:
        for i in range(count):
            y = subject.apply(np.ones((4, 8, 64)), p, trial.dtype, trial.device, (seed + 7919 * i) & 0x7FFFFFFF)
            yield np.asarray(y - 1)

    band = step * step / 6 / law.std**2
    decision = decide(law, draw, trial.policy, trial.key, shape=fmt.digits >= 24, band=band)
    return statistical(decision, trial.policy, quantity="std of the noise", expected=law.std / trial.factor)
