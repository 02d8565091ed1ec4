"""Claims on norms: moments of what they return, their Jacobians and gradients, running statistics."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, each, limit, mean, nothing, taking, variance
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "norm_groups": Cases(Domain(n=one_of(24, 32)), corners("n", (16,))),
    "norm_spikes": Cases(Domain(n=one_of(3, 64)), corners("n", (10,))),
    "norm_jacobians": Cases(Domain(n=one_of(4, 12), eps=one_of(0.1, 1.0)), corners("n eps", (6, 0.5))),
    "scale_invariance": Cases(
        Domain(n=one_of(5, 12), factor=one_of(0.5, 2.0), learning_rate=one_of(0.5, 1.0), gain=one_of(0.5, 2.0)),
        corners("n factor learning_rate gain", (8, 3.0, 0.5, 1.5)),
    ),
    "equilibrium": Cases(
        Domain(learning_rate=one_of(0.1, 0.2), decay=one_of(0.1, 0.2), gradient=one_of(0.5, 2.0)),
        corners("learning_rate decay gradient", (0.1, 0.5, 1.0)),
    ),
    "batch_bias": Cases(Domain(batch=one_of(4, 32)), corners("batch", (8,))),
    "running_statistics": Cases(
        Domain(
            batch=one_of(8, 16), steps=one_of(2, 8), momentum=one_of(0.2, 0.5), mean=one_of(1.0, 3.0),
            std=one_of(0.5, 2.0),
        ),
        corners("batch steps momentum mean std", (8, 4, 0.3, 2.0, 1.0)),
    ),
}  # fmt: skip

_N = taking("n")
_MOVED = taking("n", "variance", "eps")


def _running(case: Mapping[str, Any], *, start: float) -> Mapping[str, Any]:
    return {"t": case["steps"], "momentum": case["momentum"], "start": start}


def _spread(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "t": case["steps"], "momentum": case["momentum"], "variance": case["std"] ** 2, "batch": case["batch"],
    }  # fmt: skip


ROWS: Mapping[str, tuple[Row, ...]] = {
    "norm_groups": (
        mean("norm.kurtosis", "fourth", _N, power=4),
        mean("rms_norm.kurtosis", "rms fourth", _N, power=4),
        mean("norm.correlation", "product", _N, scale=lambda c: 1.0),
        mean("norm.relu_mean", "relu", _N, power=1),
        mean("norm.inverse_variance_mean", "inverse variance", _N, kurtosis=60.0),
        mean("norm.inverse_std_mean", "inverse std", _N, power=1),
    ),
    "norm_spikes": (limit("norm.range", "largest", _N), limit("rms_norm.range", "rms largest", _N)),
    "norm_jacobians": (
        each("norm.jacobian_frobenius", "frobenius", _MOVED, roundings=512),
        each("rms_norm.jacobian_frobenius", "rms frobenius", taking("n", "mean_square", "eps"), roundings=512),
        each("norm.jacobian_leak", "leak", taking("variance", "eps"), scale=lambda k: 1.0, roundings=512),
        each("norm.shortfall", "shortfall", taking("variance", "eps"), scale=lambda k: 1.0),
        each("norm.gradient_sum", "gradient sum", nothing, scale=lambda k: k["gradient size"]),
    ),
    "scale_invariance": (
        each("scale_invariance.gradient_ratio", "ratio", taking("factor"), roundings=1024),
        each(
            "scale_invariance.norm_growth", "growth", taking("learning_rate", "gradient"), roundings=1024,
            scale=lambda k: k["square"] + (k["learning_rate"] * k["gradient"]) ** 2,
        ),
        each("weight_norm.gradient_ratio", "weight norm", taking("gain", "norm"), roundings=512),
    ),
    "equilibrium": (
        each(
            "scale_invariance.equilibrium_norm", "norm", taking("learning_rate", "decay", "gradient"), roundings=4096,
        ),
    ),
    "batch_bias": (
        each("batch_norm.bias_gradient", "bias", nothing, scale=lambda k: k["size"], roundings=512),
    ),
    "running_statistics": (
        mean("batch_norm.running_mean", "mean", lambda c: {**_running(c, start=0.0), "mean": c["mean"]}, power=1),
        mean(
            "batch_norm.running_variance", "variance",
            lambda c: {**_running(c, start=1.0), "variance": c["std"] ** 2},
        ),
        variance("batch_norm.running_mean_variance", "mean", _spread),
        variance(
            "batch_norm.running_variance_variance", "variance", lambda c: {**_spread(c), "kurtosis": 3.0},
            kurtosis=60.0,
        ),
        each("batch_norm.keras_momentum", "kept", taking("momentum"), roundings=1024, scale=lambda k: 1.0),
    ),
}  # fmt: skip
