"""Claims on what a classification loss makes of its labels: smoothed, ignored, or no class at all.

Smoothing e replaces the one-hot label by (1 - e) one-hot + e/C, which leaves ln C on equal logits; ignored rows count
neither in the sum nor in the number of rows, with smoothing or without; and a label that is no class is refused or
costs no finite loss, for whatever it costs is wrong.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.claims.losses.equal_logits import Floats, averaging, number, working
from varlaw.claims.refusal import attempt
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.evidence.state import float64
from varlaw.subjects.subject import Loss

Labels = NDArray[np.int64]
Judging = Callable[[Loss, Trial], Finding]

_SMOOTHING = 0.1


def claims(subject: Loss) -> tuple[Claim, ...]:
    """The claims on the labels of one loss: on those arguments that it has."""
    smooths, ignores = ("smoothing" in subject.adjusts, "ignored" in subject.adjusts)
    table: tuple[tuple[bool, str, str, Judging], ...] = (
        (smooths, "loss.smoothing", "label smoothing e: (1 - e) L_label + e mean over classes of L", _smoothing),
        (ignores, "loss.ignored", "the mean is over the rows that are not ignored", _ignored),
        (ignores, "loss.all_ignored", "where no row counts the mean is refused, or 0", _none),
        (smooths and ignores, "loss.smoothing_ignored", "smoothing counts no ignored row either", _both),
        (subject.ignored is not None, "loss.ignored_default", "rows ignored by default count nowhere", _default),
        (
            subject.weighted is not None,
            "loss.weighted",
            "class weights: sum of w_label L over that of w_label, of rows that are not ignored",
            _weighted,
        ),
        (
            subject.weighted is not None and smooths,
            "loss.weighted_smoothing",
            "smoothed labels take the weights of their classes",
            _weighted_smoothing,
        ),
        ("sum" in subject.adjusts, "loss.sum", 'reduction "sum" is the sum of reduction "none"', _sum),
        (subject.indices, "loss.outside", "a label that is no class is refused, or costs no finite loss", _outside),
    )
    return tuple(
        Claim(
            name=name, law="loss.zero_logits", statement=text, subject=subject, target=subject.name,
            op="cross_entropy_labels", judge=_bind(judging, subject),
        )
        for there, name, text, judging in table
        if there
    )  # fmt: skip


def _bind(judging: Judging, subject: Loss) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _smoothing(subject: Loss, trial: Trial) -> Finding:
    return _mean(subject, trial, _SMOOTHING, None)


def _ignored(subject: Loss, trial: Trial) -> Finding:
    return _mean(subject, trial, 0.0, trial.case["classes"] - 1)


def _none(subject: Loss, trial: Trial) -> Finding:
    """There is nothing to learn from: NaN would reach every weight."""
    assert subject.adjusted
    c, fmt = trial.case, FORMATS[trial.dtype]
    logits = fmt.round_all(3 * trial.key.generator().standard_normal((c["rows"], c["classes"])))
    labels: Labels = np.full(c["rows"], c["classes"] - 1)
    place = trial.dtype, trial.device
    mean = attempt(
        lambda: subject.adjusted(logits, labels, 0.0, c["classes"] - 1, *place),  # type: ignore[misc]  # asserted
        lambda: subject.adjusted(logits, 0 * labels, 0.0, c["classes"] - 1, *place),  # type: ignore[misc]
    )
    if isinstance(mean, Finding):
        return mean
    detail = f"it is {number(mean):g}"
    return deterministic(compare([number(mean) == 0], [1.0], [0.0]), quantity="means that are 0", detail=detail)


def _both(subject: Loss, trial: Trial) -> Finding:
    return _mean(subject, trial, _SMOOTHING, trial.case["classes"] - 1)


def _default(subject: Loss, trial: Trial) -> Finding:
    """The label that does not count is none of the classes, and no argument says so."""
    return _mean(subject, trial, 0.0, None, subject.ignored)


def _mean(subject: Loss, trial: Trial, smoothing: float, ignored: int | None, left_out: int | None = None) -> Finding:
    """The mean on random logits against float64: every third row is ignored, where any is."""
    assert subject.adjusted
    c, fmt = trial.case, FORMATS[trial.dtype]
    rng, classes = trial.key.generator(), c["classes"]
    logits = fmt.round_all(3 * rng.standard_normal((c["rows"], classes)))
    labels = rng.integers(0, classes - 1, c["rows"])
    counted = np.ones(c["rows"], dtype=bool)
    out = ignored if left_out is None else left_out
    if out is not None:
        counted = np.arange(c["rows"]) % 3 != 2
        labels[~counted] = out
    mean = number(subject.adjusted(logits, labels, smoothing, ignored, trial.dtype, trial.device))
    rows = _reference(logits[counted], labels[counted], smoothing)
    expected, size = float(rows.mean()), float(np.abs(rows).mean())
    of_rows = fmt.unit * (3 * size + 2 * float(np.abs(logits).max())) + gamma(classes + 8, working(fmt)) * (1 + size)
    bound = 2 * of_rows + size * (averaging(trial) + fmt.unit)
    comparison = compare([mean], [expected], [bound], [expected + _usual(logits[counted])])
    names = {"counted": float(counted.mean()), "sum": len(rows) * size, "smoothing": smoothing}
    return deterministic(comparison, quantity="mean loss", names=names)


def _weighted(subject: Loss, trial: Trial) -> Finding:
    return _of_weights(subject, trial, 0.0, trial.case["classes"] - 1 if "ignored" in subject.adjusts else None)


def _weighted_smoothing(subject: Loss, trial: Trial) -> Finding:
    return _of_weights(subject, trial, _SMOOTHING, None)


def _of_weights(subject: Loss, trial: Trial, smoothing: float, ignored: int | None) -> Finding:
    """Weights are powers of 2, which the dtype holds; every third row is ignored, where any is."""
    assert subject.weighted
    c, fmt = trial.case, FORMATS[trial.dtype]
    rng, classes = trial.key.generator(), c["classes"]
    logits = fmt.round_all(3 * rng.standard_normal((c["rows"], classes)))
    labels: Labels = rng.integers(0, classes - 1, c["rows"])
    weights = float64(2.0 ** (np.arange(classes) % 4 - 2))
    counted = np.ones(c["rows"], dtype=bool)
    if ignored is not None:
        counted = np.arange(c["rows"]) % 3 != 2
        labels[~counted] = ignored
    mean = number(subject.weighted(logits, labels, weights, smoothing, ignored, trial.dtype, trial.device))
    costs = _costs(logits) * weights
    rows = (1 - smoothing) * costs[np.arange(c["rows"]), labels] + smoothing * costs.mean(axis=1)
    expected = float(rows[counted].sum() / weights[labels[counted]].sum())
    of_rows = fmt.unit * (4 * expected + 2 * float(np.abs(logits).max())) + gamma(classes + 8, working(fmt)) * (
        1 + expected
    )
    bound = 2 * of_rows + expected * (2 * averaging(trial) + 2 * fmt.unit)
    comparison = compare([mean], [expected], [bound], [expected + _usual(logits[counted])])
    return deterministic(comparison, quantity="mean loss", names={"sum": float(rows[counted].sum())})


def _sum(subject: Loss, trial: Trial) -> Finding:
    c, fmt = trial.case, FORMATS[trial.dtype]
    logits = fmt.round_all(3 * trial.key.generator().standard_normal((c["rows"], c["classes"])))
    labels: Labels = trial.key.at(block=1).generator().integers(0, c["classes"], (c["rows"],))
    rows = subject.apply(logits, labels, "none", trial.dtype, trial.device)
    total = number(subject.apply(logits, labels, "sum", trial.dtype, trial.device))
    size = float(np.abs(rows).sum())
    expected = float(rows.sum())
    bound = size * (averaging(trial) + fmt.unit) + c["rows"] * 4 * fmt.unit * float(np.abs(rows).max())
    comparison = compare([total], [expected], [bound])
    return deterministic(comparison, quantity="sum of losses", names={"sum": size})


def _usual(logits: Floats) -> float:
    """The mean cost of a class, beside which that of a few labels may be about 0 by chance."""
    return float(_costs(logits).mean())


def _costs(logits: Floats) -> Floats:
    """Of every class in every row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    costs: Floats = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted
    return costs


def _reference(logits: Floats, labels: Labels, smoothing: float) -> Floats:
    costs = _costs(logits)
    rows: Floats = (1 - smoothing) * costs[np.arange(len(labels)), labels] + smoothing * costs.mean(axis=1)
    return rows


def _outside(subject: Loss, trial: Trial) -> Finding:
    """The first row's label is C, one beyond the last class; a refusal is as good as a loss that is not finite."""
    classes = trial.case["classes"]
    labels = np.zeros(max(trial.case["rows"], 2), dtype=np.int64)
    labels[0] = classes
    logits = np.zeros((len(labels), classes))
    rows = attempt(
        lambda: subject.apply(logits, labels, "none", trial.dtype, trial.device),
        lambda: subject.apply(logits, 0 * labels, "none", trial.dtype, trial.device),
    )
    if isinstance(rows, Finding):
        return rows
    finite = int(np.isfinite(np.ravel(rows)[0]))
    return deterministic(
        compare([finite], [0.0], [0.0]), quantity="finite losses", detail=f"it costs {float(np.ravel(rows)[0]):.6g}"
    )
