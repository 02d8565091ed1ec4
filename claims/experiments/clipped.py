"""Claims on gradient clipping of random gradients, and on the eps of clip_grad_norm_ where norms are as small."""

import math
from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, each, mean, taking
from varlaw.theory.domain import Domain, one_of

_EPS = 1e-6  # of torch.nn.utils.clip_grad_norm_

CASES: Mapping[str, Cases] = {
    "clip_random": Cases(Domain(n=one_of(4, 8), limit=one_of(2.0, 3.0)), corners("n limit", (8, 2.5))),
    "clip_two_points": Cases(
        Domain(high=one_of(3.0, 9.0), low=one_of(-1.0, 0.5), share=one_of(0.2, 0.4), limit=one_of(1.0, 2.0)),
        corners("high low share limit", (10.0, -0.5, 0.3, 1.0)),
    ),
    "clip_small": Cases(
        Domain(n=one_of(4, 16), limit=one_of(1e-6, 1e-7)),
        corners("n limit", (8, 1e-6)),
        lambda raw: {**raw, "norms": [2e-6, 3e-6, 1e-5]},
        lambda case: {"n": case["n"], "limit": case["limit"]},
    ),
    "simplex": Cases(
        Domain(entries=one_of(8, 256), spread=one_of(0.1, 1.0), scale=one_of(1.0)),
        corners("entries spread scale", (16, 1.0, 1.0), (4096, 0.1, 1.0)),
    ),
}


def _on_simplex(known: Mapping[str, Any]) -> float:
    """Of a sum: each entry that is left may be off by what the threshold is, which is as large as the entries."""
    return float(known["scale"] + known["support"] * known["largest"])


def _small(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"norm": case["norm_before"], "limit": case["limit"], "eps": _EPS}


def _secant(value: Any, case: Mapping[str, Any]) -> Any:
    """Between two norms the growth of limit n / (n + eps) is the geometric mean of its slopes at both."""
    return (value[0] * value[1]) ** 0.5


_BALL = taking("n", "limit")
_SLOW: dict[str, Any] = {"kurtosis": 20.0, "block": 512}  # one call of clip_grad_norm_ a run

ROWS: Mapping[str, tuple[Row, ...]] = {
    "clip_random": (
        mean("clip.probability", "clipped", _BALL, power=1, **_SLOW),
        mean("clip.log_probability", "clipped", _BALL, expected=lambda value, c: math.exp(value), power=1, **_SLOW),
        mean("clip.coefficient_mean", "coefficient", _BALL, power=1, **_SLOW),
        mean("clip.norm_mean", "norm", _BALL, power=1, **_SLOW),
        mean("clip.second_moment", "square", _BALL, **_SLOW),
    ),
    "clip_two_points": (
        mean("clip.two_point_mean", "clipped", taking("high", "low", "share", "limit"), scale=lambda c: c["limit"]),
    ),
    "clip_small": (
        each("clip.factor_eps", "factor", _small),
        each("clip.norm_eps", "norm", _small),
        each(
            "clip.eps_slope", "slope", _small, expected=_secant, roundings=512,
            scale=lambda k: k["limit"] / k["norm_before"][0],
        ),
    ),
    # In 16 bits as of one that is computed in 32 and rounded once: each entry, and so the sum, by a rounding at most.
    "simplex": (
        each("simplex.sum", "sum", taking("scale"), scale=_on_simplex),
        each("simplex.sum", "sum", taking("scale"), roundings=4, dtypes=("bfloat16", "float16"),
             name="law.simplex.sum(16 bits)"),
        each("simplex.entry", "entry", taking("x", "threshold"), scale=lambda k: k["scale"] + k["largest"]),
    ),
}  # fmt: skip
