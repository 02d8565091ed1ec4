"""Claims on division by the norm: a vector that is not 0 ends on the unit sphere, one that is 0 stays 0.

Norms are tried whose squares leave float32, and float16; an epsilon that is documented may show below 1e-6. Of a matrix
that is divided by its largest singular value, as the weight of a layer under spectral normalisation is, the largest
singular value is 1: a power iteration that has not converged shows.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.claims.clipping.projection import Gradients, norm_of
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.subjects.subject import Normaliser
from varlaw.theory.catalogue import LAWS

Judging = Callable[[Normaliser, Trial], Finding]


def claims(subject: Normaliser) -> tuple[Claim, ...]:
    """The claims on one division by a norm."""
    unit = ("norm.unit", "x / |x| has norm 1", _unit)
    spectral = ("norm.spectral", "W / sigma_max(W) has a largest singular value of 1", _spectral)
    table: tuple[tuple[str, str, Judging], ...] = (
        unit if subject.op == "normalise" else spectral,
        ("norm.unit_zero", "0 stays 0, whatever it is divided by", _zero),
    )
    return tuple(
        Claim(
            name=name, law="clip.normalised_norm", statement=statement, subject=subject, target=subject.name,
            op=subject.op, judge=_bind(judging, subject),
        )
        for name, statement, judging in table
    )  # fmt: skip


def _bind(judging: Judging, subject: Normaliser) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _vector(trial: Trial) -> Gradients:
    """One leaf, with a limit at the norm that it is brought to."""
    return Gradients(dataclasses.replace(trial, case={"leaves": 1, "limit": 1.0, **trial.case}))


def _unit(subject: Normaliser, trial: Trial) -> Finding:
    x = _vector(trial)
    y = subject.apply(x.leaves[0], trial.dtype, trial.device, trial.key.seed)
    expected = float(LAWS["clip.normalised_norm"].value(norm=x.norm, limit=1.0))
    observed = norm_of([y]) if np.isfinite(y).all() else math.inf
    bound = x.error + x.smallest * math.sqrt(x.entries)
    return deterministic(compare([observed], [expected], [bound]), quantity="norm", names=x.names)


def _spectral(subject: Normaliser, trial: Trial) -> Finding:
    """To the rounding of a product of every entry with one number, and of that number."""
    fmt, shape = FORMATS[trial.dtype], tuple(trial.case["shape"])
    w = fmt.round_all(trial.key.generator().standard_normal(shape))
    y = subject.apply(w, trial.dtype, trial.device, trial.key.seed)
    expected = float(LAWS["clip.normalised_norm"].value(norm=np.linalg.norm(w, 2), limit=1.0))
    observed = float(np.linalg.norm(y, 2)) if np.isfinite(y).all() else math.inf
    working = min(fmt.unit, FORMATS["float32"].unit)
    # The number is a sum over rows and columns; signs that do not cancel cost sqrt(min(shape)).
    bound = (gamma(sum(shape) + 8, working) + 4 * fmt.unit) * math.sqrt(min(shape))
    return deterministic(compare([observed], [expected], [bound]), quantity="largest singular value")


def _zero(subject: Normaliser, trial: Trial) -> Finding:
    zeros = np.zeros(trial.case["shape"] if subject.op == "spectral" else trial.case["entries"])
    y = subject.apply(zeros, trial.dtype, trial.device, trial.key.seed)
    detail = "0/0 = NaN" if np.isnan(y).any() else ""
    comparison = compare([int((y == 0).sum())], [zeros.size], [0.0])
    return deterministic(comparison, quantity="entries that stay 0", detail=detail)
