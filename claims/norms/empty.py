"""Claims on normalisation of no numbers at all: an empty batch, or sets without an entry.

Nothing can be normalised, and nothing may be left behind: 0/0 must not reach the running statistics, where NaN would
stay for good. A refusal is as good.
"""

from functools import partial

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.claims.refusal import attempt
from varlaw.evidence.exact import compare
from varlaw.subjects.subject import Norm


def claims(subject: Norm) -> tuple[Claim, ...]:
    """The claim on one normalisation."""
    return (
        Claim(
            name="norm.empty", law=f"{subject.op}.second_moment",
            statement="an empty batch is refused, or comes back, and the statistics stay finite",
            subject=subject, target=subject.name, op="norm_empty", judge=partial(_empty, subject), dtypes=("float32",),
        ),
    )  # fmt: skip


def _empty(subject: Norm, trial: Trial) -> Finding:
    c = trial.case
    x, ordinary = np.zeros((c["batch"], c["channels"], c["length"])), {**c, "batch": 2, "length": 16}
    some = trial.key.generator().standard_normal((2, c["channels"], 16))
    found = attempt(
        lambda: subject.apply(x, c, trial.dtype, trial.device),
        lambda: subject.apply(some, ordinary, trial.dtype, trial.device),
    )
    if isinstance(found, Finding):
        return found
    lost = [name for name, value in found.items() if not np.isfinite(value).all()]
    lawful = (found["output"].shape == x.shape) + len(found) - 1 - len(lost)
    detail = f"not finite: {', '.join(lost)}" if lost else ""
    comparison = compare([float(lawful)], [len(found)], [0.0])
    return deterministic(comparison, quantity="outputs of the input's shape, finite statistics", detail=detail)
