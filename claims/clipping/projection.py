"""Claims on gradient clipping: the projection on a ball (global norm) or a box (value), and the norm it reports.

clip(g) = g min(1, limit/|g|) leaves gradients below the limit alone bit for bit, gives norm = limit above it, keeps the
direction, and does nothing the second time. The true norm is computed with exact scaling, so gradients of 1e20 or
1e-23, whose squares leave float32, are lawful input.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.subjects.subject import Clipper
from varlaw.theory.catalogue import LAWS

Floats = NDArray[np.float64]
Judging = Callable[[Clipper, Trial], Finding]

_FEW = 4096  # entries whose squares are added up exactly


def claims(subject: Clipper) -> tuple[Claim, ...]:
    """The claims on one clipping function."""
    if subject.op == "clip_adaptive":
        return ()
    if subject.op == "clip_value":
        return (_claim(subject, "clip.value", "clip.value", "min(max(g, -limit), limit), entry by entry", _by_value),)
    return (
        _claim(subject, "clip.norm", "clip.norm", "|clip(g)| = min(|g|, limit)", _norm),
        _claim(subject, "clip.direction", "clip.factor", "clip(g) = g times one number", _direction),
        _claim(subject, "clip.idempotent", "clip.norm", "clip(clip(g)) = clip(g)", _idempotent),
        _claim(subject, "clip.reported_norm", "clip.norm", "the norm returned is |g|", _reported),
    )


def _claim(subject: Clipper, name: str, law: str, statement: str, judging: Judging) -> Claim:
    return Claim(
        name=name, law=law, statement=statement, subject=subject, target=subject.name, op=subject.op,
        judge=lambda trial: judging(subject, trial),
    )  # fmt: skip


class Gradients:
    """Gradients of the norm that the case asks for, rounded to the dtype, with their exact norm."""

    def __init__(self, trial: Trial) -> None:
        c, fmt = trial.case, FORMATS[trial.dtype]
        directions = trial.key.generator().standard_normal((c["leaves"], c["entries"]))
        x = directions * (c["norm"] / np.linalg.norm(directions))
        self.leaves: list[Floats] = list(fmt.round_all(x))
        self.limit = float(c["limit"])
        self.entries = c["leaves"] * c["entries"]
        self.norm = norm_of(self.leaves)
        if not math.isclose(self.norm, c["norm"], rel_tol=0.5) or self.limit < 2.0**fmt.lowest:
            msg = f"{trial.dtype} cannot hold gradients of norm {c['norm']:g} and a limit of {self.limit:g}"
            raise NotApplicable(msg)
        # Accumulated in float32 at least; a factor, a product and the rounding of the result on top.
        working = min(fmt.unit, FORMATS["float32"].unit)
        self.error = gamma(self.entries, working) / 2 + 5 * working + 2 * fmt.unit
        self.smallest = fmt.spacing(0.0)  # below the normal range an entry is off by half of this, not by a fraction

    @property
    def names(self) -> dict[str, float]:
        """For the formulas of deviations."""
        return {"norm": self.norm, "limit": self.limit}


def norm_of(leaves: list[Floats]) -> float:
    """The Euclidean norm of all leaves together; scaled, so that no square overflows or underflows.

    >>> norm_of([np.array([3 * 2.0**800]), np.array([4 * 2.0**800])]) == 5 * 2.0**800
    True
    """
    largest = max((float(np.abs(leaf).max(initial=0.0)) for leaf in leaves), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    scale = 2.0 ** math.frexp(largest)[1]
    if sum(leaf.size for leaf in leaves) <= _FEW:
        return scale * math.sqrt(math.fsum(float(v) ** 2 for leaf in leaves for v in np.ravel(leaf) / scale))
    # Pairwise sums, in the longest format that there is: far closer than any bound here.
    return scale * math.sqrt(math.fsum(float(np.square(leaf / scale, dtype=np.longdouble).sum()) for leaf in leaves))


def _norm(subject: Clipper, trial: Trial) -> Finding:
    g = Gradients(trial)
    clipped, _ = subject.apply(g.leaves, g.limit, trial.dtype, trial.device)
    expected = LAWS["clip.norm"].value(norm=g.norm, limit=g.limit)
    rounding = expected * g.error + g.smallest * math.sqrt(g.entries)
    bound = 0.0 if g.norm <= g.limit * (1 - g.error) else rounding  # below the limit nothing is touched
    comparison = compare([norm_of(clipped)], [expected], [bound], deviating=[rounding])
    return deterministic(comparison, quantity="norm", names=g.names)


def _direction(subject: Clipper, trial: Trial) -> Finding:
    """Every entry is multiplied by the same factor: the one that the norms before and after imply."""
    g = Gradients(trial)
    clipped, _ = subject.apply(g.leaves, g.limit, trial.dtype, trial.device)
    factor = norm_of(clipped) / g.norm if g.norm else 1.0
    before, after = np.concatenate(g.leaves), np.concatenate(clipped)
    bound = np.abs(before * factor) * 2 * g.error + g.smallest
    comparison = compare(after.tolist(), (before * factor).tolist(), bound.tolist())
    return deterministic(comparison, quantity="entry", names=g.names)


def _idempotent(subject: Clipper, trial: Trial) -> Finding:
    g = Gradients(trial)
    once, _ = subject.apply(g.leaves, g.limit, trial.dtype, trial.device)
    twice, _ = subject.apply(once, g.limit, trial.dtype, trial.device)
    expected = norm_of(once)
    # What rounding left above the limit is clipped again: both times may round.
    roundings = 2 if expected > g.limit else 1
    bound = roundings * expected * g.error + g.smallest * math.sqrt(g.entries)
    comparison = compare([norm_of(twice)], [expected], [bound])
    return deterministic(comparison, quantity="norm", names={**g.names, "once": expected})


def _reported(subject: Clipper, trial: Trial) -> Finding:
    g = Gradients(trial)
    _, reported = subject.apply(g.leaves, g.limit, trial.dtype, trial.device)
    if reported is None:
        msg = "it reports no norm"
        raise NotApplicable(msg)
    if g.norm > FORMATS[trial.dtype].largest:
        msg = f"{trial.dtype} cannot hold a norm of {g.norm:.3g}"
        raise NotApplicable(msg)
    comparison = compare([reported], [g.norm], [g.norm * g.error])
    return deterministic(comparison, quantity="norm", names=g.names)


def _by_value(subject: Clipper, trial: Trial) -> Finding:
    g = Gradients(trial)
    limit = FORMATS[trial.dtype].round(g.limit)
    clipped, _ = subject.apply(g.leaves, limit, trial.dtype, trial.device)
    before, after = np.concatenate(g.leaves), np.concatenate(clipped)
    expected = LAWS["clip.value"].value(x=before, limit=limit)
    comparison = compare(after.tolist(), np.ravel(expected).tolist(), [0.0] * len(after))
    return deterministic(comparison, quantity="entry", names=g.names)
