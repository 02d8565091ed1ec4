"""`check_loss`: a user's cross entropy against its law, and what is wrong with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.claims.losses.equal_logits import Floats
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.evidence.streams import SALT
from varlaw.subjects.subject import Loss
from varlaw.subjects.yours import loss
from varlaw.verify.own.asking import DEFAULT, Case, as_row, asked, left_out, of_claims, text, yours
from varlaw.verify.own.verdicts import Verdicts, asserting

EXTREMES = {
    "large": of_claims("loss.large", "loss.shift"),
    "outside": of_claims("loss.outside", usual=False),
    "all_ignored": of_claims("loss.all_ignored", usual=False),
}
_OF_IGNORED = {"loss.ignored", "loss.all_ignored", "loss.smoothing_ignored"}
_OF_SIZE = {"loss.uniform", "loss.rows", "loss.shift", "loss.large"}
_OF_ROWS = ("loss.rows", "loss.reduction")
_MOST_ROWS = 64  # of claims on single rows, each of which is a call
_SMOOTHED = 0.1
_IGNORED = 9  # a class of ten

Way = Callable[[Floats, Floats], float]  # (cost of each class in each row, logits) -> what the loss gives; label 0


def _log_sum(x: Floats) -> Floats:
    return np.asarray(np.log(np.exp(x).sum(axis=1, keepdims=True)))


_WAYS: dict[str, Way] = {
    "the rows are added, and not averaged": lambda costs, z: costs[:, 0].sum(),
    "the sum is divided by rows and classes": lambda costs, z: costs[:, 0].mean() / z.shape[1],
    "the sum is divided by the classes, not the rows": lambda costs, z: costs[:, 0].sum() / z.shape[1],
    "the logarithm is to base 2": lambda costs, z: costs[:, 0].mean() / np.log(2),
    "the logarithm is to base 10": lambda costs, z: costs[:, 0].mean() / np.log(10),
    "the sign is wrong": lambda costs, z: -costs[:, 0].mean(),
    "softmax is taken twice": lambda costs, z: (_log_sum(np.exp(-costs))[:, 0] - np.exp(-costs[:, 0])).mean(),
    "the logarithm is not taken: it is minus the probability": lambda costs, z: -np.exp(-costs[:, 0]).mean(),
    "softmax is not taken: it is minus the label's logit": lambda costs, z: -z[:, 0].mean(),
    "softmax is over the rows, not the classes": lambda costs, z: (_log_sum(z.T).T - z)[:, 0].mean(),
    "labels are smoothed by 0.1": lambda costs, z: (1 - _SMOOTHED) * costs[:, 0].mean() + _SMOOTHED * costs.mean(),
    "the costs of all classes are averaged, not the label's": lambda costs, z: costs.mean(),
}


def check_loss(
    f: Any,
    *,
    smoothing: str = "",
    ignored: str = "",
    dtype: str = "float32",
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
    salt: str = SALT,
    name: str | None = None,
) -> Verdicts:
    """Decide whether `f(logits, labels)` is the cross entropy: ln C for equal logits, the mean over the rows.

    f: takes logits (rows, classes) and whole labels (rows,), of from 2 to 50,257 classes, and returns one number.
    smoothing, ignored: what `f` calls its arguments for smoothed labels and for a label that does not count, where it
        has such: "label_smoothing", "ignore_index".
    promises, unpromised: what is asked beyond the usual, and what is not: "large" (logits of 1e4 and more; usual),
        "outside" (a label that is no class is refused, or costs no finite loss), "all_ignored" (no label counts); "all"
        for every one.
    as_: "torch", or a loss by its name in `varlaw verify`: what it documents as its deviations is no violation.
    dtype: the format of the logits; labels are int64, of JAX int32.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    salt, name: the address of the inputs; name is the function's own unless given.

    Raises `SamplerError` in one line when `f` raises or returns something else, `ValueError` for other arguments.

    >>> import numpy as np
    >>> def loss(logits, labels):
    ...     z = logits - logits.max(1, keepdims=True)
    ...     return (np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), labels]).mean()
    >>> check_loss(loss).ok
    True
    """
    text(smoothing, "smoothing", "check_loss")
    text(ignored, "ignored", "check_loss")
    out = left_out(EXTREMES, promises, unpromised, all_usual=as_ is not None, where="check_loss")
    logits, labels = np.zeros((3, 5)), np.array([0, 4, 2])
    mine = yours(
        f, name, library, dtype, salt, "check_loss", lambda m: loss(m).apply(logits, labels, "mean", dtype, "cpu")
    )
    subject = loss(mine, smoothing, ignored)
    row = as_row(subject, as_name(as_), "check_loss")
    row = row if as_ is None else _plain(row)
    verdicts = asked(row, mine.name, EXTREMES, out, dtype, salt, DEFAULT, lambda c, cases: cases_of(c.name, cases))
    result = Verdicts(mine.name, "cross entropy", tuple(verdicts), "", out)
    return result if result.ok else result.because(_cause(subject, dtype, result))


def _plain(row: Loss) -> Loss:
    """The row without what is said of arguments that the user's function does not have."""
    return replace(row, adjusted=None, adjusts=(), ignored=None)


def as_name(as_: str | None) -> str | None:
    """The row of a framework whose deviations are meant."""
    return "torch.nn.functional.cross_entropy" if as_ == "torch" else as_


def cases_of(claim: str, cases: list[Case]) -> list[Case]:
    """The cases of one claim that are few enough calls."""
    return [case for case in cases if claim not in _OF_ROWS or case["rows"] <= _MOST_ROWS]


def _cause(subject: Loss, dtype: str, found: Verdicts) -> str:
    """The wrong loss, among those that people write, that gives the same numbers; "" where none does."""
    if said := _of_options(subject, dtype, {v.claim for v in found.faults}):
        return said
    fits = list(_WAYS)
    fmt, rng = FORMATS[dtype], np.random.default_rng(0)
    error = gamma(64, min(fmt.unit, FORMATS["float32"].unit)) + 8 * fmt.unit
    for rows, classes in ((6, 10), (3, 4), (7, 2)):
        z = fmt.round_all(2 * rng.standard_normal((rows, classes)))
        seen = float(subject.apply(z, np.zeros(rows, dtype=np.int64), "mean", dtype, "cpu"))
        costs = _log_sum(z) - z
        size = float(np.abs(costs).sum())
        fits = [name for name in fits if abs(seen - _WAYS[name](costs, z)) <= error * size]
    if not fits and {v.claim for v in found.faults} <= {"loss.large", "loss.shift"}:
        return "large logits alone go wrong, as when the largest is not taken off before exp, or a logarithm is of 0"
    short = [
        v.claim in _OF_SIZE and v.observed is not None and v.expected is not None and v.observed < v.expected
        for v in found.faults
    ]
    return fits[0] if fits else "large costs come out too small, as of a logarithm of p + eps" if all(short) else ""


def _of_options(subject: Loss, dtype: str, claims: set[str]) -> str:
    """What smoothing, or a label that does not count, is taken for; "" where other claims fail, or nothing fits."""
    fmt, smoothed = FORMATS[dtype], claims <= {"loss.smoothing", "loss.smoothing_ignored"}
    if subject.adjusted is None or not (smoothed or claims <= _OF_IGNORED):
        return ""
    z = fmt.round_all(2 * np.random.default_rng(0).standard_normal((6, 10)))
    costs = _log_sum(z) - z
    labels = np.array([0] * 6 if smoothed else [0, 0, 0, 0, _IGNORED, _IGNORED])
    options = (_SMOOTHED, None) if smoothed else (0.0, _IGNORED)
    smoothing, ignored = options
    seen = float(subject.adjusted(z, labels, smoothing, ignored, dtype, "cpu"))
    own, others = costs[:, 0].mean(), costs[:, 1:].sum(axis=1).mean()
    ways = {
        "smoothing is ignored": own,
        "what is smoothed goes to the C - 1 other classes, not to all C": 0.9 * own + _SMOOTHED * others / 9,
        "what is smoothed goes to each class whole, and is not divided by C": 0.9 * own + _SMOOTHED * (own + others),
    } if smoothed else {
        "rows that do not count are counted in what the sum is divided by": costs[:4, 0].sum() / 6,
        "the sum of the rows that count is not divided": costs[:4, 0].sum(),
        "rows that do not count are averaged as the others": (costs[:4, 0].sum() + costs[4:, _IGNORED].sum()) / 6,
    }  # fmt: skip
    error = gamma(64, min(fmt.unit, FORMATS["float32"].unit)) + 8 * fmt.unit
    size = float(np.abs(costs).sum())
    return next((said for said, wanted in ways.items() if abs(seen - wanted) <= error * size), "")


assert_loss = asserting(check_loss)
