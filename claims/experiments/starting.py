"""Claims on first losses, on models that start at zero or with equal units, and on dropout's moments."""

import math
from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, each, mean, nothing, taking, variance
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "random_logits": Cases(
        Domain(classes=one_of(5, 40), std=one_of(0.5, 2.0)), corners("classes std", (10, 1.0))
    ),
    "small_logits": Cases(Domain(classes=one_of(5, 40), std=one_of(0.3, 0.4)), corners("classes std", (10, 0.4))),
    "zeros": Cases(Domain(classes=one_of(2, 5)), corners("classes", (3,))),
    "dropout_moments": Cases(
        Domain(mean=one_of(0.5, 1.0), std=one_of(0.5, 1.0), rate=one_of(0.1, 0.5)),
        corners("mean std rate", (1.0, 0.5, 0.3)),
    ),
}  # fmt: skip

_LOGITS = taking("classes", "std")


def _moments(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"variance": case["std"] ** 2, "mean": case["mean"], "rate": case["rate"]}


ROWS: Mapping[str, tuple[Row, ...]] = {
    "random_logits": (
        mean("loss.random_logits", "loss", _LOGITS, power=1),
        mean("loss.random_logits_excess", "excess", _LOGITS, scale=lambda c: c["std"] ** 2 / 2 + 0.5),
        mean("loss.random_logits_gradient", "gradient", _LOGITS),
    ),
    "small_logits": (
        mean(
            "loss.random_logits_quartic", "loss", _LOGITS, power=1,
            band=lambda c: c["std"] ** 6 / (c["classes"] * math.log(c["classes"])),
            basis="derived: the order of the next cumulant, std^6, over the law's own ln(classes)",
        ),
    ),
    "zeros": (
        each("loss.zero_logits_gradient", "logit gradient", taking("classes")),
        each("zeros.hidden_gradient", "hidden gradient", nothing),
        each("zeros.last_bias_gradient", "last bias gradient", taking("classes")),
        each("zeros.sigmoid_hidden_rank", "rank", nothing),
        each("symmetry.distinct_units", "distinct", nothing),
        each("zeros.learned_gate_gradient", "gate gradient", nothing, roundings=512),
        each("zeros.two_gates_gradient", "two gates", nothing),
    ),
    "dropout_moments": (
        mean(
            "dropout.second_moment", "square",
            lambda c: {"second_moment": c["mean"] ** 2 + c["std"] ** 2, "rate": c["rate"]},
        ),
        variance("dropout.variance", "one", _moments),
        mean("dropout.variance_shift", "shift", taking("rate")),
        each("alpha_dropout.shift", "kept", taking("rate")),
    ),
}  # fmt: skip
