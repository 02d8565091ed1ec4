"""Claims on normalisation: mean 0 and second moment v/(v + eps) over the axes it normalises, constants, statistics.

The reference is computed in float64 from the input as rounded to the dtype; the tolerance is what the rounding of the
format can do, growing with mean/std as for a two-pass algorithm and no faster. Lengths are short on purpose: a ddof
error moves the second moment by 1/n, and must stand out against about 4 n u.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.exact import compare
from varlaw.evidence.rounding import FORMATS, gamma
from varlaw.subjects.subject import Norm
from varlaw.theory.catalogue import LAWS
from varlaw.verify.claim import Claim, Finding, Trial, deterministic

Floats = NDArray[np.float64]


def claims(subject: Norm) -> tuple[Claim, ...]:
    """The claims on one normalisation."""
    centred = subject.op != "rms_norm"
    table: list[tuple[str, str, str, Any]] = [
        ("norm.second_moment", f"{subject.op}.second_moment", "mean of y^2 = v/(v + eps)", _second_moment)
    ]
    if centred:
        table.append(("norm.mean", f"{subject.op}.mean", "mean of y = 0", _mean))
        table.append(("norm.constant", "norm.constant_input", "constant input gives 0", _constant))
    if subject.op == "batch_norm":
        mean, variance = "r = m * mean of x after one step", "r = 1 - m + m * unbiased variance of x"
        table.append(("norm.running_mean", "batch_norm.running_mean", mean, _running_mean))
        table.append(("norm.running_var", "batch_norm.running_variance", variance, _running_var))
    return tuple(
        Claim(
            name=name, law=law, statement=text, subject=subject, target=subject.name, op=subject.op,
            judge=_bind(judge, subject),
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
        kept = 4 * unit if trial.coarse else 0.0
        self.sum_error = gamma(2 * self.n + 16, working) + kept
        self.statistics_error = self.sum_error * (1 + self.condition)
        self.entry_error = 3 * working + unit


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
    results = subject.apply(rounded, trial.case, trial.dtype, trial.device)
    return Rows(rounded, subject.op, trial), results


def _input(trial: Trial) -> Floats:
    c = trial.case
    x: Floats = trial.key.generator().standard_normal((c["batch"], c["channels"], c["length"]))
    x *= c["std"]
    x += c["mean"]
    return x


def _second_moment(subject: Norm, trial: Trial) -> Finding:
    rows, results = _run(subject, trial, _input(trial))
    y = rows_of(results["output"], subject.op, trial.case)
    law = LAWS[f"{subject.op}.second_moment"]
    moment = "mean_square" if subject.op == "rms_norm" else "variance"
    expected = law.value(**{moment: rows.variance, "eps": rows.eps})
    bound = expected * (2 * rows.entry_error + 2 * rows.statistics_error) + rows.statistics_error**2
    comparison = compare((y**2).mean(axis=1).tolist(), (expected * trial.factor).tolist(), bound.tolist())
    return deterministic(comparison, quantity="second moment")


def _mean(subject: Norm, trial: Trial) -> Finding:
    rows, results = _run(subject, trial, _input(trial))
    y = rows_of(results["output"], subject.op, trial.case)
    expected = LAWS[f"{subject.op}.mean"].value()
    bound = rows.statistics_error + rows.entry_error * np.abs(y).mean(axis=1)
    comparison = compare(y.mean(axis=1).tolist(), [expected] * len(y), bound.tolist())
    return deterministic(comparison, quantity="mean")


def _constant(subject: Norm, trial: Trial) -> Finding:
    """Constants that are no binary fractions: what may be left is the rounding of their mean, over sqrt(eps).

    Nothing may be left where the subject promises exactly beta.
    """
    c = trial.case
    values = np.resize([0.0, 3.3, 100.1, 1e4], c["channels"])
    x = np.broadcast_to(values[None, :, None], (c["batch"], c["channels"], c["length"])).copy()
    if subject.op == "group_norm":
        x[:] = 3.3
    rows, results = _run(subject, trial, x)
    y = rows_of(results["output"], subject.op, c)
    expected = LAWS["norm.constant_input"].value()
    bound = np.zeros(y.size) if subject.exact_constant else np.repeat(rows.statistics_error, rows.n)
    comparison = compare(np.ravel(y).tolist(), [expected] * y.size, bound.tolist())
    return deterministic(comparison, quantity="entry")


def _running_mean(subject: Norm, trial: Trial) -> Finding:
    rows, results = _run(subject, trial, _input(trial))
    law = LAWS["batch_norm.running_mean"]
    expected = law.value(t=1, momentum=trial.case["momentum"], start=0.0, mean=rows.mean)
    bound = (rows.sum_error + rows.entry_error) * np.abs(rows.x).mean(axis=1)
    return deterministic(_statistics(results["running_mean"], expected, bound, trial), quantity="running mean")


def _running_var(subject: Norm, trial: Trial) -> Finding:
    rows, results = _run(subject, trial, _input(trial))
    law = LAWS["batch_norm.running_variance"]
    unbiased = rows.variance * rows.n / (rows.n - 1)
    expected = law.value(t=1, momentum=trial.case["momentum"], start=1.0, variance=unbiased)
    of_mean = rows.sum_error * np.abs(rows.x).mean(axis=1)  # its square goes into the variance
    bound = 2 * rows.statistics_error * unbiased + of_mean**2 + rows.entry_error * np.abs(expected)
    return deterministic(_statistics(results["running_var"], expected, bound, trial), quantity="running variance")


def _statistics(observed: Floats, expected: Floats, bound: Floats, trial: Trial) -> Any:
    return compare(observed.tolist(), (expected * trial.factor).tolist(), bound.tolist())
