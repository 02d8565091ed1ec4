"""Claims on normalisation: mean 0 and second moment v/(v + eps) over the axes it normalises, constants, statistics.

The reference is computed in float64 from the input as rounded to the dtype; the tolerance is what the rounding of the
format can do to a two-pass algorithm, so it grows with mean/std and no faster: the variance as E x^2 - (E x)^2 loses
(mean/std)^2 units and shows from a few hundred on. Most lengths are short on purpose, for the bounds are rigorous
there, and a ddof error, which moves the second moment by 1/n, stands out against about 4 n u; sums of more than 1,024
terms are held to a probabilistic bound, whose risk the verdict states.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.evidence.exact import SMALL, Comparison, compare, reached
from varlaw.evidence.formats import FORMATS, LONG, RISK, accumulated, gamma
from varlaw.subjects.subject import Norm
from varlaw.theory.catalogue import LAWS

Floats = NDArray[np.float64]

_CONSTANTS = (3.3, 100.1, 1e4, 1e6)


def claims(subject: Norm) -> tuple[Claim, ...]:
    """The claims on one normalisation."""
    centred = subject.op != "rms_norm"
    table: list[tuple[str, str, str, Any]] = [
        ("norm.second_moment", f"{subject.op}.second_moment", "mean of y^2 = v/(v + eps)", second_moment)
    ]
    if centred:
        table.append(("norm.mean", f"{subject.op}.mean", "mean of y = 0", _mean))
        table.append(("norm.constant", "norm.constant_input", "constant input gives 0", _constant))
    if subject.op == "batch_norm":
        documented = {"unbiased": "batch_norm.running_variance", "biased": "batch_norm.running_variance_biased"}
        mean, variance = "r = m * mean of x after one step", "r = 1 - m + m * {} variance of x"
        kind = subject.running_variance
        table += [
            ("norm.running_mean", "batch_norm.running_mean", mean, running_mean),
            ("norm.running_var", documented[kind], variance.format(kind), running_var),
            ("norm.running_unbiased", documented["unbiased"], variance.format("unbiased"), _running_unbiased),
        ]
    if subject.steps:
        after = "r = (1 - (1 - m)^t) times the mean of x after t steps, rounded once"
        table.append(("norm.running_steps", "batch_norm.running_mean", after, _running_steps))
    return tuple(
        Claim(
            name=name, law=law, statement=text, subject=subject, target=subject.name,
            op="batch_norm_steps" if name == "norm.running_steps" else subject.op, judge=_bind(judge, subject),
        )
        for name, law, text, judge in table
    )  # fmt: skip


def _bind(judge: Callable[[Norm, Trial], Finding], subject: Norm) -> Callable[[Trial], Finding]:
    return lambda trial: judge(subject, trial)


class Rows:
    """The normalised sets of one input, one a row, with their exact moments and the rounding they are subject to."""

    def __init__(self, x: Floats, op: str, trial: Trial) -> None:
        self.x = rows_of(x, op, trial.case)
        self.n = self.x.shape[1]
        self.mean = self.x.mean(axis=1) if op != "rms_norm" else np.zeros(len(self.x))
        deviation = self.x - self.mean[:, None]
        deviation -= deviation.mean(axis=1)[:, None] if op != "rms_norm" else 0.0
        self.variance = (deviation**2).mean(axis=1)
        self.eps = trial.case["eps"]
        unit = FORMATS[trial.dtype].unit
        working = min(unit, FORMATS["float32"].unit)  # 16-bit norms accumulate in float32
        scale = np.sqrt(self.variance + self.eps)
        self.condition = np.abs(self.x).mean(axis=1) / scale
        # Relative error of the two-pass statistics, and of one output entry once it is rounded to the dtype.
        kept = 4 * unit if trial.dtype_statistics else 0.0
        self.gamma = gamma(2 * self.n + 16, working)
        sums = 2 * len(self.x)  # of x and of its squared deviations
        self.sum_error = accumulated(self.n, 2 * self.n + 16, working, sums) + kept
        self.statistics_error = self.sum_error * (1 + self.condition)
        self.entry_error = 3 * working + unit
        # The same of a careful algorithm: pairwise sums, and the mean of what is left after the mean is taken off
        # taken off as well, which squares the share of the mean that is lost.
        careful = gamma(2 * math.ceil(math.log2(max(self.n, 2))) + 16, working)
        self.careful_mean = careful * (1 + careful * self.condition) + (math.inf if trial.dtype_statistics else 0.0)
        self.careful_moment = (
            2 * careful + (careful * self.condition) ** 2 + (math.inf if trial.dtype_statistics else 0.0)
        )


def rows_of(x: Floats, op: str, case: Mapping[str, Any]) -> Floats:
    """x of shape (batch, channels, length) as one row for each set of numbers that `op` normalises together.

    >>> rows_of(np.zeros((2, 4, 8)), "group_norm", {"groups": 2}).shape
    (4, 16)
    """
    batch, channels, length = x.shape
    match op:
        case "batch_norm":
            return x.transpose(1, 0, 2).reshape(channels, batch * length)
        case "group_norm":
            return x.reshape(batch * case["groups"], -1)
        case _:
            return x.reshape(batch * channels, length)


def _run(subject: Norm, trial: Trial, x: Floats) -> tuple[Rows, Mapping[str, Floats]]:
    rounded = FORMATS[trial.dtype].round_all(x)
    if not np.isfinite(rounded).all():
        msg = f"{trial.dtype} cannot hold an input of {float(np.abs(x).max()):.3g}"
        raise NotApplicable(msg)
    results = subject.apply(rounded, trial.case, trial.dtype, trial.device)
    return Rows(rounded, subject.op, trial), results


def drawn(trial: Trial) -> Floats:
    """Normal numbers of the mean and std of the case."""
    c = trial.case
    x: Floats = trial.key.generator().standard_normal((c["batch"], c["channels"], c["length"]))
    x *= c["std"]
    x += c["mean"]
    return x


def second_moment(subject: Norm, trial: Trial) -> Finding:
    """The second moment of each set against the law's."""
    rows, results = _run(subject, trial, drawn(trial))
    y = rows_of(results["output"], subject.op, trial.case)
    law = LAWS[f"{subject.op}.second_moment"]
    moment = "mean_square" if subject.op == "rms_norm" else "variance"
    expected = law.value(**{moment: rows.variance, "eps": rows.eps})
    rigorous = expected * (2 * rows.entry_error + 2 * rows.statistics_error) + rows.statistics_error**2
    bound = _held(subject, rigorous, expected * 2 * rows.entry_error + 2 * rows.careful_moment, expected)
    comparison = compared(subject, (y**2).mean(axis=1), expected, bound, expected)
    return _finding(comparison, "second moment", rows)


def _held(subject: Norm, any_algorithm: Floats, careful: Floats, scale: Floats | float) -> Floats:
    """The bound that each set is held to: that of any algorithm, or what a careful one reaches where that is loose."""
    return reached(any_algorithm, careful, scale) if subject.careful else any_algorithm


def compared(subject: Norm, observed: Floats, expected: Floats, bound: Floats, scale: Floats | float) -> Comparison:
    """The comparison of all sets, or of those whose bound says something where no careful algorithm is promised.

    Beyond a bound for any algorithm nothing may lie, however loose it is; within a loose one a set shows nothing.
    """
    comparison = compare(observed.tolist(), expected.tolist(), bound.tolist())
    if subject.careful or not comparison.holds:
        return comparison
    tight = bound <= SMALL * np.abs(scale)
    if not tight.any():
        msg = "rounding may do as much here as what is asked, and no careful algorithm is promised"
        raise NotApplicable(msg)
    return compare(*(each[tight].tolist() for each in (observed, expected, bound)))


def _mean(subject: Norm, trial: Trial) -> Finding:
    rows, results = _run(subject, trial, drawn(trial))
    y = rows_of(results["output"], subject.op, trial.case)
    expected = LAWS[f"{subject.op}.mean"].value()
    rounding = rows.entry_error * np.abs(y).mean(axis=1)
    bound = _held(subject, rows.statistics_error + rounding, rows.careful_mean + rounding, 1.0)
    comparison = compared(subject, y.mean(axis=1), np.full(len(y), expected), bound, 1.0)
    return _finding(comparison, "mean", rows)


def _constant(subject: Norm, trial: Trial) -> Finding:
    """Constants that are no binary fractions: a computed mean may miss by d, and then every entry is d/sqrt(d^2 + eps).

    For a large constant that is 1, which is no bound: a careful algorithm takes off what is left of the mean. Nothing
    may be left where the subject promises exactly beta.
    """
    fmt = FORMATS[trial.dtype]
    constants = [c for c in _CONSTANTS if c <= fmt.largest]
    observed: list[float] = []
    bounds: list[float] = []
    for x in _constant_inputs(trial.case, constants, subject.op):
        rows, results = _run(subject, trial, x)
        allowed = left_of_constant(rows, trial, subject)
        y = rows_of(results["output"], subject.op, trial.case)
        observed += np.abs(y).max(axis=1).tolist()
        bounds += [0.0] * len(y) if subject.exact_constant else allowed.tolist()
    expected = LAWS["norm.constant_input"].value()
    comparison = compared(subject, np.array(observed), np.full(len(observed), expected), np.array(bounds), 1.0)
    return deterministic(comparison, quantity="largest |entry|", names={"largest": max(observed)})


def left_of_constant(rows: Rows, trial: Trial, subject: Norm) -> Floats:
    """What may be left of constant sets: d/sqrt(d^2 + eps) where the mean may miss by d; less where that is much."""
    unit, constant = FORMATS[trial.dtype].unit, np.abs(rows.x[:, 0])
    off = rows.gamma * constant + (4 * unit * constant if trial.dtype_statistics else 0.0)
    any_algorithm = off / np.sqrt(off**2 + rows.eps) * (1 + 2 * rows.gamma) + 4 * unit
    return _held(subject, any_algorithm, rows.careful_mean + 4 * unit, 1.0)


def _constant_inputs(case: Mapping[str, Any], constants: list[float], op: str) -> Iterator[Floats]:
    """Inputs in which every normalised set is constant, and every constant comes up."""
    shape = (case["batch"], case["channels"], case["length"])
    sets = {"batch_norm": case["channels"], "group_norm": case["batch"] * case["groups"]}.get(op, shape[0] * shape[1])
    for start in range(0, len(constants), sets):
        values = np.resize(constants[start:] + constants[:start], sets)
        match op:
            case "batch_norm":
                yield np.broadcast_to(values[None, :, None], shape)
            case "group_norm":
                yield np.repeat(values, shape[1] // case["groups"] * shape[2]).reshape(shape)
            case _:
                yield np.repeat(values, shape[2]).reshape(shape)


def running_mean(subject: Norm, trial: Trial) -> Finding:
    """The running mean after one step."""
    rows, results = _run(subject, trial, drawn(trial))
    law = LAWS["batch_norm.running_mean"]
    expected = law.value(t=1, momentum=trial.case["momentum"], start=0.0, mean=rows.mean)
    bound = (rows.sum_error + rows.entry_error) * np.abs(rows.x).mean(axis=1)
    comparison = _statistics(results["running_mean"], expected, bound, trial, np.abs(rows.x).mean(axis=1))
    return _finding(comparison, "running mean", rows)


def _running_steps(subject: Norm, trial: Trial) -> Finding:
    """Statistics kept in 16 bits stop where a step is less than half a unit: far from the mean, where m is small.

    Every step rounds a few times in float32 at least, and 1/m of them are remembered; the momentum is rounded as well.
    """
    rows, results = _run(subject, trial, drawn(trial))
    c, working = trial.case, min(FORMATS[trial.dtype].unit, FORMATS["float32"].unit)
    expected = LAWS["batch_norm.running_mean"].value(t=c["steps"], momentum=c["momentum"], start=0.0, mean=rows.mean)
    relative = rows.sum_error + 8 * working / c["momentum"] + rows.entry_error
    bound = relative * np.abs(rows.x).mean(axis=1)
    comparison = _statistics(results["running_mean"], expected, bound, trial, np.abs(rows.x).mean(axis=1))
    return _finding(comparison, f"running mean after {c['steps']} steps", rows)


def running_var(subject: Norm, trial: Trial) -> Finding:
    """The running variance as the subject's documentation averages it."""
    return _running(subject, trial, subject.running_variance)


def _running_unbiased(subject: Norm, trial: Trial) -> Finding:
    """The running variance that estimates the variance of what will be normalised by it, without bias."""
    return _running(subject, trial, "unbiased")


def _running(subject: Norm, trial: Trial, kind: str) -> Finding:
    rows, results = _run(subject, trial, drawn(trial))
    ours = {
        "unbiased": 1 - trial.case["momentum"] + trial.case["momentum"] * rows.variance * rows.n / (rows.n - 1),
        "biased": 1 - trial.case["momentum"] + trial.case["momentum"] * rows.variance,
    }
    unbiased = rows.variance * rows.n / (rows.n - 1)
    known = {"t": 1, "momentum": trial.case["momentum"], "start": 1.0, "variance": unbiased}
    if kind == "unbiased":
        expected = LAWS["batch_norm.running_variance"].value(**known)
    else:
        expected = LAWS["batch_norm.running_variance_biased"].value(**known, batch=rows.n)
    if expected.max() > FORMATS[trial.dtype].largest:
        msg = f"{trial.dtype} cannot hold a running variance of {expected.max():.3g}"
        raise NotApplicable(msg)
    of_mean = rows.sum_error * np.abs(rows.x).mean(axis=1)  # its square goes into the variance
    rounding = rows.entry_error * np.abs(expected)
    rigorous = 2 * rows.statistics_error * unbiased + of_mean**2 + rounding
    bound = reached(rigorous, rows.careful_moment * (unbiased + rows.eps) + rounding, expected)
    comparison = _statistics(results["running_var"], expected, bound, trial)
    names = {name: float(value[comparison.worst]) for name, value in ours.items()}
    return _finding(comparison, "running variance", rows, names)


def _statistics(observed: Floats, expected: Floats, bound: Floats, trial: Trial, scale: Floats | None = None) -> Any:
    of = None if scale is None else scale.tolist()
    return compare(observed.tolist(), expected.tolist(), bound.tolist(), of)


def _finding(comparison: Comparison, quantity: str, rows: Rows, names: Mapping[str, Any] | None = None) -> Finding:
    """A deterministic finding; where the bound is probabilistic, with its risk."""
    finding = deterministic(comparison, quantity=quantity, names=names)
    return replace(finding, alpha=RISK) if rows.n > LONG else finding
