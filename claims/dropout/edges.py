"""Claims on dropout at its edges: p = 1, units that are not finite, and none at all.

Dropping a unit is more than a product with 0, which turns what is infinite into NaN; and at p = 1 the factor 1/(1 - p)
does not exist, so everything is dropped or the rate is refused.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.refusal import attempt
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Dropout

Judging = Callable[[Dropout, Trial], Finding]

_SHAPE = (128, 8, 16)


def claims(subject: Dropout) -> tuple[Claim, ...]:
    """The claims on one dropout; alpha dropout and noise put something else than 0 in the place of a unit."""
    table: tuple[tuple[str, str, Judging], ...] = (
        ("dropout.empty", "an empty batch is refused, or comes back in its shape", _empty),
    )
    if subject.op in ("dropout", "channel_dropout", "drop_path"):
        table = (
            ("dropout.all", "p = 1 leaves zeros, or is refused", _all),
            ("dropout.zeroed", "what is dropped is 0, also where it was infinite", _zeroed),
            *table,
        )
    if subject.evaluated:
        table = (*table, ("dropout.evaluated", "evaluation changes nothing", _evaluated))
    return tuple(
        Claim(
            name=name, law="dropout.mean", statement=statement, subject=subject, target=subject.name,
            op="dropout_edges", judge=_bind(judging, subject), dtypes=("float32",) if name == "dropout.empty" else (),
        )
        for name, statement, judging in table
    )  # fmt: skip


def _bind(judging: Judging, subject: Dropout) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _output(subject: Dropout, trial: Trial, x: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        return np.asarray(subject.apply(x, p, trial.dtype, trial.device, trial.key.seed & 0x7FFFFFFF))


def _all(subject: Dropout, trial: Trial) -> Finding:
    x = FORMATS[trial.dtype].round_all(1 + trial.key.generator().random(_SHAPE))
    y = attempt(lambda: _output(subject, trial, x, 1.0), lambda: _output(subject, trial, x, 0.5))
    if isinstance(y, Finding):
        return y
    return _counted(int((y == 0).sum()), x.size, trial, _not_a_number(y))


def _empty(subject: Dropout, trial: Trial) -> Finding:
    nothing, some = np.zeros((0, *_SHAPE[1:])), np.ones(_SHAPE)
    y = attempt(lambda: _output(subject, trial, nothing, 0.5), lambda: _output(subject, trial, some, 0.5))
    if isinstance(y, Finding):
        return y
    return deterministic(compare([y.shape == nothing.shape], [1.0], [0.0]), quantity="outputs of its shape")


def _evaluated(subject: Dropout, trial: Trial) -> Finding:
    assert subject.evaluated
    x = FORMATS[trial.dtype].round_all(1 + trial.key.generator().random(_SHAPE))
    y = subject.evaluated(x, 0.5, trial.dtype, trial.device)
    return _counted(int((y == x).sum()), x.size, trial, _not_a_number(y), "entries as they were")


def _zeroed(subject: Dropout, trial: Trial) -> Finding:
    """Of infinite entries none becomes NaN: those that are kept stay infinite."""
    x = np.full(_SHAPE, math.inf)
    if subject.weights:
        msg = "what is dropped multiplies the input: 0 times inf is not the dropout's"
        raise NotApplicable(msg)
    y = _output(subject, trial, x, 0.5)
    lawful = int(((y == 0) | (y == math.inf)).sum())
    return _counted(lawful, y.size, trial, _not_a_number(y), "entries 0 or inf")


def _not_a_number(y: NDArray[np.float64]) -> str:
    spoilt = int(np.isnan(y).sum())
    return f"{spoilt} of {y.size} become NaN" if spoilt else ""


def _counted(lawful: int, size: int, trial: Trial, detail: str, quantity: str = "entries that are 0") -> Finding:
    return deterministic(compare([lawful], [size], [0.0]), quantity=quantity, detail=detail)
