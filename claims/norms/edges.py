"""Claims on normalisation at its edge: a set of a single number, whose unbiased variance does not exist.

It is its own mean, so that nothing may be left of it; a division by n - 1 = 0 must not reach the running statistics,
where it would stay for good. A refusal is as good.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.claims.norms.normalisation import Rows, compared, left_of_constant, rows_of
from varlaw.claims.refusal import attempt
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Norm

_VALUES = (3.3, -100.1, 1e4, 1.7)


def claims(subject: Norm) -> tuple[Claim, ...]:
    """The claim on one normalisation that takes the mean off."""
    if subject.op == "rms_norm":
        return ()
    return (
        Claim(
            name="norm.single", law="norm.constant_input", statement="a set of one number is refused, or gives 0",
            subject=subject, target=subject.name, op="norm_single", judge=_bind(subject),
        ),
    )  # fmt: skip


def _bind(subject: Norm) -> Callable[[Trial], Finding]:
    return lambda trial: _single(subject, trial)


def _single(subject: Norm, trial: Trial) -> Finding:
    fmt = FORMATS[trial.dtype]
    x = fmt.round_all(np.resize(np.array(_VALUES), (1, trial.case["channels"], 1)))
    ordinary = {**trial.case, "length": 15}
    many = fmt.round_all(np.resize(np.array(_VALUES), (1, ordinary["channels"], ordinary["length"])))
    pairs = ((x, trial.case), (many, ordinary))
    results = attempt(*(partial(subject.apply, values, case, trial.dtype, trial.device) for values, case in pairs))
    if isinstance(results, Finding):
        return results
    rows = Rows(x, subject.op, trial)
    allowed = left_of_constant(rows, trial, subject)
    left = np.abs(rows_of(results["output"], subject.op, trial.case)).max(axis=1)
    lost = [name for name in ("running_mean", "running_var") if not np.isfinite(results.get(name, 0.0)).all()]
    observed, bounds = [*left.tolist(), float(len(lost))], [*allowed.tolist(), 0.0]
    comparison = compared(subject, np.array(observed), np.zeros(len(observed)), np.array(bounds), 1.0)
    detail = f"not finite: {', '.join(lost)}" if lost else ""
    return deterministic(comparison, quantity="largest |entry|", detail=detail, names={"largest": max(observed)})
