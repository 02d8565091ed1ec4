"""Claims on what a normalisation is set to: eps of 0 and large, momentum of 0 and 1, its defaults, weight and bias.

And on what follows from it: evaluation with the running statistics, and the gradient. Of a set with y = c/sigma,
c = x - mean (or x), the gradient is dx = (dy - mean of dy - y times the mean of y dy)/sigma, the second term only where
the norm is centred (Ioffe and Szegedy 2015, section 3).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.documented import number
from varlaw.claims.norms import normalisation
from varlaw.claims.norms.normalisation import Floats, Rows, rows_of
from varlaw.claims.refusal import attempt
from varlaw.claims.verdict import Outcome
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.evidence.state import float64
from varlaw.subjects.subject import Norm

Judging = Callable[[Norm, Trial], Finding]

# What other formats do to the same statistics is asked elsewhere; float64 finds no gradient that float32 does not.
_DTYPES = {"norm.settings": ("float32",), "norm.gradient": ("float32", "float16", "bfloat16")}
_DEFAULT = {
    "batch": 2,
    "channels": 4,
    "length": 16,
    "groups": 2,
}  # a case that leaves eps and momentum to the framework


def claims(subject: Norm) -> tuple[Claim, ...]:
    """The claims on the settings of one normalisation."""
    moment = f"{subject.op}.second_moment"
    table: tuple[tuple[bool, str, str, str, str, Judging], ...] = (
        (
            subject.arguments, "norm.settings", moment, "norm_settings",
            "eps and momentum at their ends do as they say", _settings,
        ),
        (
            subject.default is not None, "norm.default_zeros", "norm.constant_input", "norm_default",
            "zeros stay 0 with the default eps", _zeros,
        ),
        (
            bool(subject.documented_eps), "norm.default_eps", moment, "norm_default",
            "mean of y^2 = v/(v + eps), with the documented eps", _default_eps,
        ),
        (
            subject.evaluated is not None, "norm.evaluated", moment, "norm_settings",
            "evaluation: (x - running mean)/sqrt(running variance + eps), or as in training", _evaluated,
        ),
        (subject.affine is not None, "norm.affine", moment, "norm_affine", "weight times y plus bias", _affine),
        (
            subject.gradient is not None, "norm.gradient", moment, "norm_gradient",
            "dx = (dy - mean dy - y mean(y dy))/sigma", _gradient,
        ),
    )  # fmt: skip
    return tuple(
        Claim(
            name=name, law=law, statement=statement, subject=subject, target=subject.name, op=op,
            judge=_bind(judging, subject), dtypes=_DTYPES.get(name, ()),
        )
        for there, name, law, op, statement, judging in table
        if there
    )  # fmt: skip


def _bind(judging: Judging, subject: Norm) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _settings(subject: Norm, trial: Trial) -> Finding:
    """The first of its claims that does not conform: second moment, running mean, running variance."""
    judges = [normalisation.second_moment]
    if subject.op == "batch_norm":
        judges += [normalisation.running_mean, normalisation.running_var]
    for judge in judges:
        finding = attempt(partial(judge, subject, trial), partial(judge, subject, _ordinary(trial)))
        if finding.outcome is not Outcome.CONFORMS:
            break
    return finding


def _ordinary(trial: Trial) -> Trial:
    """The case with an ordinary eps: one of 0 may be refused."""
    return replace(trial, case={**trial.case, "eps": 1e-5})


def _zeros(subject: Norm, trial: Trial) -> Finding:
    assert subject.default
    x = np.zeros((_DEFAULT["batch"], _DEFAULT["channels"], _DEFAULT["length"]))
    y = subject.default(x, _DEFAULT, trial.dtype, trial.device)["output"]
    detail = "0/0 = NaN" if np.isnan(y).any() else ""
    comparison = compare([int((y == 0).sum())], [x.size], [0.0])
    return deterministic(comparison, quantity="entries that stay 0", detail=detail)


def _default_eps(subject: Norm, trial: Trial) -> Finding:
    """A variance as large as eps, where a wrong one shows most."""
    assert subject.default
    fmt = FORMATS[trial.dtype]
    eps = number(subject.documented_eps, {"finfo": 2 * fmt.unit})
    case = {**_DEFAULT, "eps": eps}
    known = replace(trial, case=case)
    shape = (_DEFAULT["batch"], _DEFAULT["channels"], _DEFAULT["length"])
    x = trial.key.generator().standard_normal(shape) * math.sqrt(eps)
    rounded = fmt.round_all(x)
    rows = Rows(rounded, subject.op, known)
    y = rows_of(subject.default(rounded, _DEFAULT, trial.dtype, trial.device)["output"], subject.op, case)
    expected = rows.variance / (rows.variance + eps)
    if subject.op == "rms_norm":
        square = (rows.x**2).mean(axis=1)
        expected = square / (square + eps)
    bound = expected * (2 * rows.entry_error + 2 * rows.statistics_error) + rows.statistics_error**2
    comparison = compare((y**2).mean(axis=1).tolist(), expected.tolist(), bound.tolist())
    return deterministic(comparison, quantity="second moment", names={"eps": eps})


def _reference(x: Floats, op: str, case: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """The sets of x normalised in float64, and the scale of each."""
    rows = rows_of(x, op, case)
    centred = rows - rows.mean(axis=1, keepdims=True) if op != "rms_norm" else rows
    sigma: Floats = np.sqrt((centred**2).mean(axis=1, keepdims=True) + case["eps"])
    return centred / sigma, sigma


def _given(trial: Trial) -> Floats:
    return FORMATS[trial.dtype].round_all(normalisation.drawn(trial))


def _per_channel(running: Floats) -> Floats:
    return running[None, :, None]


def _evaluated(subject: Norm, trial: Trial) -> Finding:
    """Held against the running statistics that the training step left, whatever these should be."""
    assert subject.evaluated
    x, unit = _given(trial), FORMATS[trial.dtype].unit
    cases = (trial.case, _ordinary(trial).case)
    found = attempt(*(partial(subject.evaluated, x, case, trial.dtype, trial.device) for case in cases))
    if isinstance(found, Finding):
        return found
    if "running_mean" not in found:
        return _as_in_training(subject, trial, x, found["output"])
    mean, variance = (_per_channel(found[name]) for name in ("running_mean", "running_var"))
    scale = np.sqrt(variance + trial.case["eps"])
    expected = (x - mean) / scale
    bound = 8 * unit * (np.abs(x) + np.abs(mean)) / scale + FORMATS[trial.dtype].spacing(0.0)
    shift = (np.abs(x) + np.abs(mean)) / scale
    comparison = compare(
        *(np.ravel(a).tolist() for a in (found["output"], expected, bound, np.broadcast_to(shift, x.shape)))
    )
    return deterministic(comparison, quantity="entry")


def _as_in_training(subject: Norm, trial: Trial, x: Floats, y: Floats) -> Finding:
    """Where no statistics are kept evaluation normalises by those of its input."""
    normalised, _ = _reference(x, subject.op, trial.case)
    rows = Rows(x, subject.op, trial)
    error = 2 * rows.statistics_error[:, None] + rows.entry_error
    bound = _back(error * (1 + np.abs(normalised)), subject.op, x.shape)
    comparison = compare(*(np.ravel(a).tolist() for a in (y, _back(normalised, subject.op, x.shape), bound)))
    return deterministic(comparison, quantity="entry")


def _affine(subject: Norm, trial: Trial) -> Finding:
    """Weight and bias of every feature are another power of 2, so that a feature that takes another's shows."""
    assert subject.affine
    x, unit, per_entry = _given(trial), FORMATS[trial.dtype].unit, subject.op in ("layer_norm", "rms_norm")
    features = x.shape[2 if per_entry else 1]
    weight, bias = (float64(2.0 ** (np.arange(features) % n - shift)) for n, shift in ((5, 2), (3, 1)))
    try:
        y = subject.affine(x, weight, bias, trial.case, trial.dtype, trial.device)
    except LookupError as reason:
        raise NotApplicable(str(reason)) from reason
    normalised, _ = _reference(x, subject.op, trial.case)
    shaped = (1, 1, -1) if per_entry else (1, -1, 1)
    product = weight.reshape(shaped) * _back(normalised, subject.op, x.shape)
    shift = np.broadcast_to(0.0 if subject.op == "rms_norm" else bias.reshape(shaped), x.shape)
    rows = Rows(x, subject.op, trial)
    error = float((2 * rows.statistics_error + rows.entry_error).max()) + 4 * unit
    size = (np.abs(product) + weight.reshape(shaped)) + np.abs(shift)
    comparison = compare(*(np.ravel(a).tolist() for a in (y, product + shift, error * size, size)))
    return deterministic(comparison, quantity="entry")


def _back(rows: Floats, op: str, shape: tuple[int, ...]) -> Floats:
    """The way back of `rows_of`."""
    batch, channels, length = shape
    if op == "batch_norm":
        return rows.reshape(channels, batch, length).transpose(1, 0, 2)
    return rows.reshape(shape)


def _gradient(subject: Norm, trial: Trial) -> Finding:
    """To the rounding of its terms, the largest of which is max |dy|/sigma: what is lost, or NaN, shows."""
    assert subject.gradient
    x, fmt = _given(trial), FORMATS[trial.dtype]
    dy = fmt.round_all(trial.key.at(block=1).generator().standard_normal(x.shape))
    seen = rows_of(subject.gradient(x, dy, trial.case, trial.dtype, trial.device), subject.op, trial.case)
    y, sigma = _reference(x, subject.op, trial.case)
    g = rows_of(dy, subject.op, trial.case)
    mean = g.mean(axis=1, keepdims=True) if subject.op != "rms_norm" else 0.0
    expected = (g - mean - y * (y * g).mean(axis=1, keepdims=True)) / sigma
    if np.abs(expected).max() > fmt.largest:
        msg = f"{trial.dtype} cannot hold a gradient of {np.abs(expected).max():.3g}"
        raise NotApplicable(msg)
    working = min(fmt.unit, FORMATS["float32"].unit)
    rows = Rows(x, subject.op, trial)
    error = gamma(4 * rows.n + 64, working) * (1 + rows.condition[:, None]) + 8 * fmt.unit
    size = (np.abs(g).max(axis=1, keepdims=True) * (1 + np.abs(y).max(axis=1, keepdims=True))) / sigma
    bound = np.broadcast_to(error * size, expected.shape) + 2 * fmt.spacing(0.0)
    size = np.broadcast_to(size, expected.shape)
    comparison = compare(*(np.ravel(a).tolist() for a in (seen, expected, bound, size)))
    return deterministic(comparison, quantity="gradient")
