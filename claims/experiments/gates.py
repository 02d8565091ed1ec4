"""Claims on gated units, maxout, SELU's constants, and torch's table of gains."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Given, Row, each, mean, nothing, taking
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import Domain, one_of

GATES = ("sigmoid", "silu", "gelu", "gelu_tanh", "relu")  # GLU, SwiGLU, GEGLU of both forms, ReGLU

CASES: Mapping[str, Cases] = {
    "gated": Cases(
        Domain(activation=one_of("sigmoid", "relu", "gelu", "silu"), q=one_of(0.5, 2.0)),
        corners("activation q", ("sigmoid", 1.0), ("silu", 1.0), ("gelu", 2.0)),
    ),
    **{f"gated_{name}": Cases(Domain(q=one_of(0.5, 2.0)), corners("q", (1.0,))) for name in GATES},
    "maxout": Cases(Domain(pieces=one_of(3, 5)), corners("pieces", (2,), (4,))),
    "selu": Cases(Domain(), ({},)),
    "relu_kurtosis": Cases(Domain(q=one_of(0.5, 2.0)), corners("q", (1.0,))),
    "gain_table": Cases(
        Domain(nonlinearity=one_of("linear", "conv", "sigmoid", "tanh", "relu", "selu")),
        corners("nonlinearity", ("linear",), ("conv",), ("sigmoid",), ("tanh",), ("relu",), ("selu",)),
    ),
}


def _gated(given: Given) -> tuple[Row, ...]:
    return (
        mean("glu.second_moment", "square", given, kurtosis=60.0),
        mean("glu.value_derivative_second_moment", "value", given),
        mean("glu.gate_derivative_second_moment", "gate", given),
    )


def _of(activation: str) -> Given:
    return lambda case: {"activation": activation, "q": case["q"]}


def _apart(kurtosis: float, case: Mapping[str, Any]) -> float:
    """E (y_1 - y_2)^4 = (2 kurtosis + 6) Var[y]^2 for independent outputs, over q^2."""
    return (2 * kurtosis + 6) * float(LAWS["relu.variance"].value(q=1.0)) ** 2


ROWS: Mapping[str, tuple[Row, ...]] = {
    "gated": _gated(taking("activation", "q")),
    **{f"gated_{name}": _gated(_of(name)) for name in GATES},
    "maxout": (
        mean("maxout.mean", "mean", taking("pieces"), power=1),
        mean("maxout.second_moment", "square", taking("pieces")),
    ),
    "selu": (
        each("gain.selu_alpha", "alpha", nothing, roundings=4),
        each("gain.selu_lambda", "lambda", nothing, roundings=4),
        mean("gain.selu_lambda", "square", nothing, expected=lambda v, c: 1.0, name="law.gain.selu_lambda(moment)"),
        mean(
            "gain.selu_alpha", "mean", nothing, expected=lambda v, c: 0.0, scale=lambda c: 1.0, power=1,
            name="law.gain.selu_alpha(moment)",
        ),
        mean("gain.selu_variance_slope", "drift", nothing),
    ),
    "relu_kurtosis": (mean("relu.kurtosis", "apart", nothing, expected=_apart, power=4, kurtosis=100.0),),
    "gain_table": (each("gain.torch", "gain", taking("nonlinearity"), roundings=4),),
}  # fmt: skip
