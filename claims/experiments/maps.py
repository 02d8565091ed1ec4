"""Claims on linear maps and orthogonal ones: kurtosis, correlation, repetition, torch's own rules."""

import math
from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, mean, taking, variance
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "one_output": Cases(
        Domain(fan_in=one_of(3, 8), correlation=one_of(0.1, 0.5), variance=one_of(0.5, 1.0)),
        corners("fan_in correlation variance", (4, 0.3, 2.0)),
    ),
    "tied": Cases(Domain(width=one_of(2, 6)), corners("width", (3,))),
    "layers": Cases(Domain(fan_in=one_of(8, 16), fan_out=one_of(12, 24)), corners("fan_in fan_out", (8, 32))),
    "default_linear": Cases(Domain(fan_in=one_of(8, 24), q=one_of(0.5, 4.0)), corners("fan_in q", (16, 1.0))),
    "batch_of_inputs": Cases(
        Domain(fan_in=one_of(4, 8), fan_out=one_of(4, 8), batch=one_of(2, 8)),
        corners("fan_in fan_out batch", (6, 8, 4)),
    ),
    "lookup": Cases(Domain(width=one_of(64, 96)), corners("width", (64,))),
    "readout": Cases(Domain(width_ratio=one_of(2, 8)), corners("width_ratio", (4,))),
    "haar": Cases(Domain(size=one_of(3, 5)), corners("size", (4,))),
    "isometry": Cases(Domain(fan_in=one_of(4, 8), fan_out=one_of(2, 3)), corners("fan_in fan_out", (6, 3))),
    "qr": Cases(Domain(size=one_of(2, 8)), corners("size", (4,))),
}


def _sums(fan_in: int) -> tuple[float, float, float]:
    """Sum, sum of squares and of fourth powers of the input 1, 1/2, ..., 1/fan_in."""
    x = [1 / k for k in range(1, fan_in + 1)]
    return math.fsum(x), math.fsum(v**2 for v in x), math.fsum(v**4 for v in x)


def _concentration(case: Mapping[str, Any]) -> Mapping[str, Any]:
    _, squares, fourths = _sums(case["fan_in"])
    return {"weight_kurtosis": 1.8, "concentration": fourths / squares**2}


def _alike(case: Mapping[str, Any]) -> Mapping[str, Any]:
    total, squares, _ = _sums(case["fan_in"])
    return {
        "variance": case["variance"], "correlation": case["correlation"], "input_square_sum": squares,
        "input_sum": total,
    }  # fmt: skip


def _gram(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """Inputs of ones, one of them doubled: products of 4, 2 and 1 between them."""
    others = case["batch"] - 1
    return {"gram_square_sum": 16 + 2 * others * 4 + others**2, "fan_out": case["fan_out"], "batch": case["batch"]}


_FANS = taking("fan_in", "fan_out")
_BATCH = taking("fan_in", "fan_out", "batch")

ROWS: Mapping[str, tuple[Row, ...]] = {
    "one_output": (
        mean("linear.kurtosis", "fourth", _concentration, power=4),
        mean(
            "linear.kurtosis_random_input", "random fourth",
            lambda c: {"weight_kurtosis": 1.8, "input_kurtosis": 1.0, "fan_in": c["fan_in"]}, power=4,
        ),
        mean("linear.equicorrelated_second_moment", "alike", _alike),
    ),
    "tied": (
        mean("linear.tied_twice", "twice", lambda c: {"weight_kurtosis": 1.8, "width": c["width"]}, kurtosis=60.0),
    ),
    "layers": (
        mean("glorot.forward_factor", "glorot", _FANS),
        mean("he_fan_out.forward_product", "product", taking(fan_in_first="fan_in", fan_out_last="fan_out")),
    ),
    "default_linear": (
        mean("torch_default.linear_map", "linear", taking("q", "fan_in")),
        mean("torch_default.relu_map", "relu", taking("q", "fan_in")),  # of signs
        mean(
            "torch_default.relu_map", "relu normal", taking("q", "fan_in"),
            name="law.torch_default.relu_map(normal)",
        ),
        mean("torch_default.variance", "weight", taking("fan_in")),
        mean("torch_default.linear_fixed_point", "deep linear", taking("fan_in")),
        mean("torch_default.relu_fixed_point", "deep relu", taking("fan_in")),
    ),
    "batch_of_inputs": (
        variance("pseudo_replication.variance", "fresh", _BATCH, kurtosis=200.0),
        variance(
            "pseudo_replication.factor", "fresh", _BATCH, kurtosis=200.0,
            expected=lambda value, c: value * 2 / (c["fan_out"] * c["batch"]),
        ),
        variance("pseudo_replication.fixed_batch_variance", "fixed", _gram, kurtosis=200.0),
    ),
    "lookup": (
        mean("embedding.second_moment", "lookup", lambda c: {"variance": 1.0}),
        mean("packed_qkv.xavier_factor", "packed", lambda c: {"blocks": 3}),
    ),
    "readout": (
        mean("mup.initial_logit_scale", "square", taking("width_ratio"), expected=lambda value, c: value**2),
    ),
    "haar": (
        mean(
            "orthogonal.entry_kurtosis", "fourth", lambda c: {"rows": c["size"], "cols": c["size"]},
            expected=lambda value, c: value / c["size"] ** 2, power=4,
        ),
        mean("orthogonal.same_line_moment", "same line", taking("size"), power=4),
        mean("orthogonal.other_line_moment", "other line", taking("size"), power=4, kurtosis=60.0),
    ),
    "isometry": (
        mean("orthogonal.second_moment_factor", "output", _FANS),
        mean("orthogonal.norm_factor", "norm", _FANS),
        variance("orthogonal.norm_factor_variance", "norm", _FANS),
    ),
    "qr": (mean("orthogonal.qr_first_entry", "first", taking("size")),),
}  # fmt: skip
