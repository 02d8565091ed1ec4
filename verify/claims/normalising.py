"""Claims on division by the norm: a vector that is not 0 ends on the unit sphere, one that is 0 stays 0.

Norms are tried whose squares leave float32, and float16; an epsilon that is documented may show below 1e-6. Of a matrix
that is divided by its largest singular value, as the weight of a layer under spectral normalisation is, the largest
singular value is 1: a power iteration that has not converged shows.
"""

import math
from collections.abc import Callable

import numpy as np

from varlaw.evidence.exact import compare
from varlaw.evidence.rounding import FORMATS, gamma
from varlaw.subjects.subject import Clipper
from varlaw.theory.catalogue import LAWS
from varlaw.verify.claim import Claim, Finding, Trial, deterministic
from varlaw.verify.claims.clipping import Gradients, norm_of

Judging = Callable[[Clipper, Trial], Finding]


def claims(subject: Clipper) -> tuple[Claim, ...]:
    """The claims on a function that divides each of its tensors by its norm; there are none on one that clips."""
    if subject.op not in ("normalise", "spectral"):
        return ()
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


def _bind(judging: Judging, subject: Clipper) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _unit(subject: Clipper, trial: Trial) -> Finding:
    x = Gradients(trial)
    (y,), _ = subject.apply(x.leaves, 1.0, trial.dtype, trial.device)
    expected = float(LAWS["clip.normalised_norm"].value(norm=x.norm, limit=1.0)) * trial.factor
    observed = norm_of([y]) if np.isfinite(y).all() else math.inf
    bound = x.error + x.smallest * math.sqrt(x.entries)
    return deterministic(compare([observed], [expected], [bound]), quantity="norm", names=x.names)


def _spectral(subject: Clipper, trial: Trial) -> Finding:
    """To the rounding of a product of every entry with one number, and of that number."""
    fmt, shape = FORMATS[trial.dtype], tuple(trial.case["shape"])
    w = fmt.round_all(trial.key.generator().standard_normal(shape))
    (y,), _ = subject.apply([w], 1.0, trial.dtype, trial.device)
    expected = float(LAWS["clip.normalised_norm"].value(norm=np.linalg.norm(w, 2), limit=1.0)) * trial.factor
    observed = float(np.linalg.norm(y, 2)) if np.isfinite(y).all() else math.inf
    working = min(fmt.unit, FORMATS["float32"].unit)
    # The number is a sum over rows and columns; signs that do not cancel cost sqrt(min(shape)).
    bound = (gamma(sum(shape) + 8, working) + 4 * fmt.unit) * math.sqrt(min(shape))
    return deterministic(compare([observed], [expected], [bound]), quantity="largest singular value")


def _zero(subject: Clipper, trial: Trial) -> Finding:
    zeros = np.zeros(trial.case["shape"] if subject.op == "spectral" else trial.case["entries"])
    (y,), _ = subject.apply([zeros], 1.0, trial.dtype, trial.device)
    detail = "0/0 = NaN" if np.isnan(y).any() else ""
    comparison = compare([int((y == 0).sum())], [zeros.size * trial.factor], [0.0])
    return deterministic(comparison, quantity="entries that stay 0", detail=detail)
