"""Claims on tensors in parts: parts drawn separately, replicas that agree, and values that no mesh changes.

Each part may have the right variance and the whole still be wrong: parts drawn from one seed are copies, and the whole
has the rank of one of them (shards.identical_rank).
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.evidence.exact import compare
from varlaw.subjects.subject import Sharded
from varlaw.theory.catalogue import LAWS

Floats = NDArray[np.float64]
_LAW = "shards.identical_rank"


def claims(subject: Sharded) -> tuple[Claim, ...]:
    """The claims on one sharded or replicated tensor."""
    mesh = ("shards.mesh", "the whole is the plain tensor from the same seed", _mesh)
    if subject.replicated:
        table = [("shards.replicas", "every rank holds the same numbers", _replicas), mesh]
    else:
        table = [
            ("shards.rank", "the whole has full rank", _rank),
            ("shards.independent", "no part correlates with another", _independent),
            mesh,
        ]
    return tuple(_claim(subject, name, statement, judging) for name, statement, judging in table)


def _claim(subject: Sharded, name: str, statement: str, judging: Callable[[Sharded, Trial], Finding]) -> Claim:
    return Claim(
        name=name, law=_LAW, statement=statement, subject=subject, target=subject.name, op=subject.op,
        judge=lambda trial: judging(subject, trial),
    )  # fmt: skip


def _run(subject: Sharded, trial: Trial) -> tuple[list[Floats], Floats, Floats]:
    found = subject.apply(trial.case, trial.dtype, trial.device, trial.key.seed)
    return list(found["parts"]), found["whole"], found["plain"]


def _rank(subject: Sharded, trial: Trial) -> Finding:
    """The numerical rank; a square matrix of independent normals is singular to float64 precision with no chance."""
    _, whole, _ = _run(subject, trial)
    rows, columns = whole.shape
    expected = float(LAWS[_LAW].value(out_features=rows, in_features=columns, shards=1))
    observed = float(np.linalg.matrix_rank(whole))
    return deterministic(compare([observed], [expected], [0.0]), quantity="rank")


def _independent(subject: Sharded, trial: Trial) -> Finding:
    """Correlation of every two parts, entry by entry.

    The laws here are symmetric about 0, so that given their sizes the products x_i y_i have independent signs where the
    parts are independent, and Hoeffding bounds their sum: P(|sum x y| > t) <= 2 exp(-t^2 / (2 sum (x y)^2)).
    """
    parts, _, _ = _run(subject, trial)
    pairs = list(itertools.combinations(parts, 2))
    risk = math.log(2 * len(pairs) / trial.policy.alpha)
    observed, bounds = [], []
    for a, b in pairs:
        x, y = (np.ravel(p)[: min(a.size, b.size)] for p in (a, b))
        scale = math.sqrt(float(x @ x) * float(y @ y)) or 1.0
        observed.append(float(x @ y) / scale)
        bounds.append(math.sqrt(2 * risk * float((x * y) @ (x * y))) / scale)
    return deterministic(compare(observed, [0.0] * len(pairs), bounds), quantity="correlation of two parts")


def _replicas(subject: Sharded, trial: Trial) -> Finding:
    parts, _, _ = _run(subject, trial)
    shares = [float((p == parts[0]).mean()) for p in parts]
    return deterministic(compare(shares, [1.0] * len(shares), [0.0] * len(shares)), quantity="share of entries")


def _mesh(subject: Sharded, trial: Trial) -> Finding:
    _, whole, plain = _run(subject, trial)
    share = float((whole == plain).mean())
    return deterministic(compare([share], [1.0], [0.0]), quantity="share of entries that are equal")
