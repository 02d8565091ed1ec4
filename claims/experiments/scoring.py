"""Claims on losses of real numbers: binary cross-entropy and its slope, divergence, Huber's, cosines of any length."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, each, nothing, taking
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "loss_binary": Cases(Domain(weight=one_of(1.0, 3.0)), corners("weight", (1.0,), (3.0,))),
    "loss_divergence": Cases(Domain(first=one_of(0.5, 0.01)), corners("first", (0.5,), (0.01,))),
    "loss_huber": Cases(Domain(delta=one_of(1.0, 0.5, 2.0)), corners("delta", (0.5,), (2.0,))),
    "loss_smooth": Cases(Domain(beta=one_of(1.0, 0.5, 2.0, 0.0)), corners("beta", (0.5,), (2.0,), (0.0,))),
    "loss_gaussian": Cases(
        Domain(variance=one_of(0.5, 2.0), whole=one_of(0.0, 1.0)),
        corners("variance whole", (0.25, 1.0), (4.0, 0.0), (0.0, 0.0)),
    ),
    "loss_poisson": Cases(Domain(whole=one_of(0.0, 1.0)), corners("whole", (0.0,), (1.0,))),
    "self_cosine": Cases(Domain(), ({},)),
}

_ALL: dict[str, Any] = {"dtypes": ("float64", "float32", "float16", "bfloat16"), "roundings": 8}
_LOGITS, _TWO = taking("z", "y", "weight"), taking("t", first="log first", second="log second")
_ONE = {"scale": lambda known: 1.0, "dtypes": ("float32",)}


def _beside_one(known: Mapping[str, Any]) -> Any:
    """ln(1 + x) of a small x may vanish beside the 1."""
    return known["weight"] * np.maximum(np.abs(known["z"]), 1.0)


def _bounded(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """A variance of 0 is taken for the eps that all document, 1e-6."""
    return {"d": known["d"], "variance": max(known["variance"], 1e-6), "whole": known["whole"]}


def _terms(known: Mapping[str, Any]) -> Any:
    """The terms of a Poisson loss may cancel."""
    return np.exp(known["z"]) + known["count"] * (1 + np.abs(np.log(known["count"])) + np.abs(known["z"]))


def _right(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"z": 1e5, "y": 1.0, "weight": known["weight"]}


def _never(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"t": 0.0, "first": known["log of none"], "second": known["log of all"]}


ROWS: Mapping[str, tuple[Row, ...]] = {
    "loss_binary": (
        each("loss.binary_logits", "loss", _LOGITS, scale=_beside_one, place="z", **_ALL),
        each(
            "loss.binary_logits", "infinite", _right, scale=lambda known: 1.0,
            name="law.loss.binary_logits(infinite)",
        ),
        each("loss.binary_logits_slope", "slope", _LOGITS, scale=lambda k: k["weight"], place="z", **_ALL),
    ),
    "loss_divergence": (
        each("loss.divergence", "cost", _TWO, scale=lambda k: 1 - k["log first"] - k["log second"], place="t", **_ALL),
        each(
            "loss.divergence", "cost of none", _never, scale=lambda k: 1 - k["log of none"] - k["log of all"],
            name="law.loss.divergence(0 ln 0)",
        ),
    ),
    "loss_huber": (each("loss.huber", "loss", taking("d", "delta"), place="d", **_ALL),),
    "loss_smooth": (each("loss.smooth_l1", "loss", taking("d", "beta"), place="d", **_ALL),),
    "loss_gaussian": (
        each("loss.gaussian", "loss", _bounded, scale=lambda k: 10 + k["d"] ** 2 / max(k["variance"], 1e-6), place="d"),
    ),
    "loss_poisson": (each("loss.poisson_log", "loss", taking("z", "count", "whole"), scale=_terms, place="z"),),
    "self_cosine": (
        each("vectors.self_cosine", "cosine", nothing, **_ONE),
        each("vectors.self_cosine", "cosine of long", nothing, name="law.vectors.self_cosine(long)", **_ONE),
        each("vectors.self_cosine", "cosine of short", nothing, name="law.vectors.self_cosine(short)", **_ONE),
    ),
}  # fmt: skip
