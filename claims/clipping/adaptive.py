"""The claim on adaptive clipping: each unit's gradient to at most limit times the norm of its weights.

Brock et al. 2021, arXiv:2102.06171: units are the rows of matrices and kernels, or a whole vector; weights whose norm
is below eps count as eps. The leaves that the subject is given are the weights and then their gradients.
"""

from functools import partial

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, Format
from varlaw.subjects.subject import Clipper, Floats

_SHAPES = ((6, 20), (4, 3, 3, 3), (7,))
_ROUNDINGS = 64  # of an entry, for each number that a norm adds up


def claims(subject: Clipper) -> tuple[Claim, ...]:
    """The claim on one clip that takes weights."""
    if subject.op != "clip_adaptive":
        return ()
    return (
        Claim(
            name="clip.adaptive", law="clip.adaptive_factor", statement="|clip(g)| = min(|g|, limit max(|w|, eps))",
            subject=subject, target=subject.name, op=subject.op, judge=partial(_adaptive, subject),
        ),
    )  # fmt: skip


def _adaptive(subject: Clipper, trial: Trial) -> Finding:
    c, fmt = trial.case, FORMATS[trial.dtype]
    weights, grads = leaves(c["weights"], fmt)
    seen, _ = subject.apply([*weights, *grads], c["limit"], trial.dtype, trial.device)
    wanted = [clipped(w, g, c["limit"], c["eps"]) for w, g in zip(weights, grads, strict=True)]
    bounds = [_ROUNDINGS * g[0].size * fmt.unit * np.abs(g) + fmt.spacing(0.0) for g in wanted]
    flat = [np.concatenate([x.ravel() for x in part]).tolist() for part in (seen, wanted, bounds)]
    return deterministic(compare(flat[0], flat[1], flat[2]), quantity="entry")


def leaves(size: float, fmt: Format) -> tuple[list[Floats], list[Floats]]:
    """A matrix, a kernel and a vector of weights; gradients of rows on either side of every limit."""
    rng = np.random.default_rng(3)
    weights = [fmt.round_all(size * rng.standard_normal(s)) for s in _SHAPES]
    rows = [10.0 ** rng.uniform(-4, 1, (s[0] if len(s) > 1 else 1, *(1,) * (len(s) - 1))) for s in _SHAPES]
    grads = [fmt.round_all(size * r * rng.standard_normal(s)) for r, s in zip(rows, _SHAPES, strict=True)]
    return weights, grads


def clipped(w: Floats, g: Floats, limit: float, eps: float, axes: tuple[int, ...] | None = None) -> Floats:
    """The clipped gradient of one leaf; `axes` are those of a unit, all but the first unless given."""
    axes = (tuple(range(1, w.ndim)) or (0,)) if axes is None else axes
    most = limit * np.maximum(np.sqrt((w**2).sum(axis=axes, keepdims=True)), eps)
    norm = np.sqrt((g**2).sum(axis=axes, keepdims=True))
    found: Floats = g * np.where(norm > most, most / np.where(norm > 0, norm, 1.0), 1.0)
    return found
