"""Tensors that are held to what they promise one by one, for every realisation: fixed entries, orthogonal matrices."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from varlaw.claims.claim import Finding, deterministic
from varlaw.claims.verdict import Outcome
from varlaw.evidence import every_seed
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, gamma


def fixed(
    tensors: Iterable[Any],
    expected: Callable[[tuple[int, ...]], Any],
    beta: float,
    names: Mapping[str, Any] | None = None,
) -> Finding:
    """Whether each of the tensors, from other seeds, is the `expected` one of its shape; the first that is not."""

    def judged(x: Any) -> Finding:
        wanted = expected(x.shape)
        shown = x.size if bool((x != wanted).any()) else 1  # of a tensor that is right one entry stands for all
        pairs = [np.ravel(side)[:shown].tolist() for side in (x, wanted)]
        comparison = compare(pairs[0], pairs[1], [0.0] * shown)
        return deterministic(msgspec.structs.replace(comparison, n=x.size), quantity="entry", names=names)

    return _all(map(judged, tensors), beta)


def _all(findings: Iterable[Finding], beta: float) -> Finding:
    """The first that violates; or one for all, with what so many seeds say."""
    samples, seeds = 0, 0
    for seeds, finding in enumerate(findings, 1):
        samples += finding.samples
        if finding.outcome is not Outcome.CONFORMS:
            which = f"tensor {seeds} of those tried" if seeds > 1 else ""
            return msgspec.structs.replace(finding, samples=samples, detail=finding.detail or which)
    return msgspec.structs.replace(finding, samples=samples, beta=beta, detail=every_seed.words(seeds, beta))


def orthogonal(tensors: Iterable[Any], gain: float, dtype: str, beta: float, ratio: float = 1.0) -> Finding:
    """Whether each of the tensors, from other seeds, is `gain` times an orthogonal one; the first that is not.

    With a `ratio` they should be that many times as large, and the bound stays that of the gain.
    """
    return _all((orthogonality(x, gain, dtype, ratio) for x in tensors), beta)


def orthogonality(x: Any, gain: float, dtype: str, ratio: float) -> Finding:
    """All singular values equal the gain, within the backward error of a Householder QR (Higham 2002, section 19.3).

    Their root mean square is compared besides: rounding to 16 bits moves one of them by up to sqrt(min side) units, but
    the Frobenius norm by no more than one.
    """
    x = x.reshape(x.shape[0], -1)
    sides, target = min(x.shape), gain * ratio
    unit = FORMATS[dtype].unit
    working = min(unit, FORMATS["float32"].unit)  # half precision is computed in float32 and cast
    of_norm = gain * (gamma(8 * x.size, working) + unit)
    rms = float(np.linalg.norm(x)) / math.sqrt(sides)
    bounds = [of_norm * math.sqrt(sides)] * sides + [of_norm]
    if abs(rms - target) <= of_norm and _close(x, target, bounds[0]):
        comparison = compare([rms], [target], [of_norm])
        comparison = msgspec.structs.replace(comparison, n=sides + 1)
    else:
        observed = [*np.linalg.svd(x, compute_uv=False).tolist(), rms]
        comparison = compare(observed, [target] * len(observed), bounds)
    return deterministic(comparison, quantity="singular value")


def _close(x: Any, target: float, bound: float) -> bool:
    """Whether the Gram matrix alone shows that no singular value is further than `bound` from `target`.

    For |s - t| t <= |s^2 - t^2|, which the Frobenius norm of x x^T - t^2 bounds for all of them at once.
    """
    gram = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    gram[np.diag_indices(len(gram))] -= target**2
    return bool(np.linalg.norm(gram) <= bound * target)
