"""Claims on deep stacks: residual streams, mean field, gradients through batch norm."""

import math
from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Given, Row, each, mean, nothing, over_width, taking, variance
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "residual_stream": Cases(
        Domain(width=one_of(12, 16), layers=one_of(2, 6), gain=one_of(0.2, 0.5), rate=one_of(0.1, 0.5)),
        corners("width layers gain rate", (16, 4, 0.3, 0.2)),
    ),
    "spread_stream": Cases(
        Domain(width=one_of(16, 18), layers=one_of(2, 4), gain=one_of(0.1, 1.0)),
        corners("width layers gain", (16, 4, 0.3)),
    ),
    "normed_stream": Cases(
        Domain(width=one_of(64, 80), branches=one_of(3, 4), gain=one_of(0.3, 0.5)),
        corners("width branches gain", (64, 4, 0.5)),
    ),
    "zero_gate": Cases(Domain(), ({},)),
    "mean_field_layer": Cases(
        Domain(
            q=one_of(0.5, 2.0), c=one_of(0.2, 0.8), weight_variance=one_of(1.0, 2.0), bias_variance=one_of(0.0, 0.2),
            slope=one_of(0.1, 0.3),
        ),
        corners("q c weight_variance bias_variance slope", (1.0, 0.5, 1.5, 0.1, 0.2)),
    ),
    "mean_field_stack": Cases(
        Domain(width=one_of(48, 56), weight_variance=one_of(1.5, 2.0), bias_variance=one_of(0.1, 0.2)),
        corners("width weight_variance bias_variance", (48, 2.0, 0.1)),
    ),
    "settling": Cases(
        Domain(width=one_of(16, 24), layers=one_of(2, 5), factor=one_of(0.6, 0.8)),
        corners("width layers factor", (16, 4, 0.7)),
    ),
    "batch_norm_branch": Cases(
        Domain(width=one_of(32, 40), batch=one_of(24, 32), branches=one_of(1, 3)),
        corners("width batch branches", (32, 32, 2)),
    ),
    "batch_norm_gradients": Cases(
        Domain(width=one_of(64, 72), batch=one_of(6, 7)), corners("width batch", (64, 8))
    ),
}  # fmt: skip

_WIDE: dict[str, Any] = {"kurtosis": 8.0, "block": 256}  # means over many units, of runs that take long
_MEASURED: dict[str, Any] = {**_WIDE, "basis": "measured: it shrinks as the band does when sizes double"}
_HEAVY: dict[str, Any] = {**_MEASURED, "kurtosis": 25.0}  # gradients vary more from draw to draw


# Of variances, whose 4th roots a policy's delta speaks of; the expansion leaves out terms that fall as 1 / width.
_SPREAD: dict[str, Any] = {
    "power": 4, "band": over_width(1.5), "basis": "measured: it shrinks as the band does when the width doubles"
}  # fmt: skip


def _branches(case: Mapping[str, Any]) -> float:
    """Twice what a norm takes from a gradient by the direction that it projects out, in every branch."""
    return float(2 * case["branches"] / case["width"])


def _batch(case: Mapping[str, Any]) -> float:
    return float(2 * case["batch"] / case["width"])


def _branch(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"branch_gain": case["gain"], "branches": case["branches"]}


def _stream(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"second_moment": 1.0, "branches": case["branches"], "branch_variance": case["gain"]}


def _two_maps(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """Branches W_2 W_1 norm(h): what W_2 reads has the mean square gain chi^2(width) / width."""
    square = case["gain"] ** 2
    return {
        "second_moment": 1.0, "branches": case["layers"], "branch_variance": square,
        "branch_spread": 2 * square**2 / case["width"], "width": case["width"],
    }  # fmt: skip


def _tanh(*names: str) -> Given:
    return lambda case: {"activation": "tanh", **{name: case[name] for name in names}}


def _outputs(case: Mapping[str, Any], activation: str) -> float:
    """The second moment of the layer's outputs, over which a product is a correlation."""
    given = {name: case[name] for name in ("q", "weight_variance", "bias_variance")}
    return float(LAWS["meanfield.variance_map"].value(activation=activation, **given))


def _leaky(value: float, case: Mapping[str, Any]) -> float:
    return value * _outputs(case, f"leaky_relu:{case['slope']}")


def _gains(nonlinearity: str) -> tuple[Row, ...]:
    """Where a deep stack with torch's gain settles."""
    return tuple(
        mean(
            f"gain.torch_{law}", f"{nonlinearity} {of}", lambda case: {"nonlinearity": nonlinearity},
            band=over_width(6), name=f"law.gain.torch_{law}({nonlinearity})", **_MEASURED,
        )
        for law, of in (("fixed_point", "square"), ("chi", "chi"))
    )  # fmt: skip


ROWS: Mapping[str, tuple[Row, ...]] = {
    "residual_stream": (
        mean("residual.growth", "growth", taking(branch_gain="gain", branches="layers"), kurtosis=100.0),
        mean("residual.scaled_growth", "scaled", taking("layers"), kurtosis=100.0),
        mean(
            "residual.droppath_second_moment", "dropped",
            lambda c: {"second_moment": 1.0, "branch_variance": c["gain"], "rate": c["rate"]},
        ),
    ),
    "spread_stream": (
        variance(
            "residual.linear_log_variance", "log", taking("width", branch_gain="gain", branches="layers"), **_SPREAD
        ),
        variance("residual.prenorm_log_variance", "normed log", _two_maps, **_SPREAD),
    ),
    "normed_stream": (
        mean("residual.prenorm_growth", "stream", _stream, **_WIDE),
        mean("residual.prenorm_gradient", "pre gradient", _stream, band=_branches, **_HEAVY),
        mean("residual.postnorm_gradient", "post gradient", _branch, band=_branches, **{**_HEAVY, "kurtosis": 45.0}),
        mean(
            "residual.postnorm_identity_path", "divisor", _branch, band=lambda c: c["branches"] / c["width"], power=1,
            **_MEASURED,
        ),
    ),
    "zero_gate": (
        each("residual.zero_gate_change", "change", nothing),
        each("residual.zero_gate_branch_gradient", "gradient", nothing),
    ),
    "mean_field_layer": (
        mean("meanfield.variance_map", "tanh square", _tanh("q", "weight_variance", "bias_variance")),
        mean("meanfield.chi", "tanh chi", _tanh("q", "weight_variance")),
        mean("meanfield.variance_slope", "tanh slope", _tanh("q", "weight_variance")),
        mean(
            "meanfield.correlation_map", "tanh product", _tanh("c", "q", "weight_variance", "bias_variance"),
            expected=lambda value, c: value * _outputs(c, "tanh"),
        ),
        mean("meanfield.correlation_slope", "tanh shared", _tanh("c", "q", "weight_variance")),
        mean(
            "meanfield.leaky_correlation_map", "leaky product",
            taking("c", "q", "slope", "weight_variance", "bias_variance"), expected=_leaky,
        ),
        mean(
            "meanfield.critical_weight_variance", "tanh chi", _tanh("q"),
            expected=lambda value, c: c["weight_variance"] / value,
        ),
        mean(
            "meanfield.critical_bias_variance", "tanh plain", _tanh("q"),
            expected=lambda value, c: (c["q"] - value) / LAWS["meanfield.critical_weight_variance"].value(
                activation="tanh", q=c["q"]
            ),
        ),
    ),
    "mean_field_stack": (
        mean(
            "meanfield.fixed_point", "given square", _tanh("weight_variance", "bias_variance"), band=over_width(6),
            **_MEASURED,
        ),
        *(_gains("tanh") + _gains("sigmoid")),
    ),
    "settling": (
        mean(
            "meanfield.depth_scale", "left", taking("factor"), expected=lambda value, c: math.exp(-c["layers"] / value),
        ),
        mean(
            "meanfield.gradient_depth_scale", "gradient", taking(chi="factor"),
            expected=lambda value, c: math.exp(c["layers"] / value), kurtosis=60.0,
        ),
    ),
    "batch_norm_branch": (
        mean(
            "batch_norm.residual_explosion", "ratio", lambda c: {"rate": 1.0, "branches": c["branches"]},
            band=lambda c: 2 / c["batch"] + 2 / c["width"], **_MEASURED,
        ),
    ),
    "batch_norm_gradients": (
        mean("batch_norm.linear_explosion", "linear", taking("batch"), band=_batch, **_HEAVY),
        mean("batch_norm.relu_explosion", "relu", taking("batch"), band=_batch, **_HEAVY),
        mean(
            "batch_norm.explosion", "tanh", lambda c: {"activation": "tanh"},
            band=lambda c: 1 / c["batch"] + c["batch"] / c["width"], **_HEAVY,
        ),
    ),
}  # fmt: skip
