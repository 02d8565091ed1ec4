"""Claims on recurrent layers as they start: memory, gates, weights, orthogonal steps."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, each, mean, taking
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "memory": Cases(
        Domain(input_bias=one_of(0.0, 1.0), hidden_bias=one_of(0.5, 1.0), steps=one_of(5, 20)),
        corners("input_bias hidden_bias steps", (1.5, 0.5, 10)),
    ),
    **dict.fromkeys(
        ("recurrent_start", "gru_start"),
        Cases(
            Domain(hidden=one_of(16, 32), bias=one_of(0.5, 1.0), variance=one_of(0.5, 2.0)),
            corners("hidden bias variance", (24, 1.0, 1.0)),
        ),
    ),
    "rnn_start": Cases(Domain(hidden=one_of(16, 32), variance=one_of(0.5, 2.0)), corners("hidden variance", (24, 1.0))),
}


def _bias(case: Mapping[str, Any]) -> dict[str, Any]:
    return {"bias": case["input_bias"] + case["hidden_bias"]}


def _steps(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_bias(case), "steps": case["steps"]}


def _gate(of: str, name: str) -> Row:
    return mean("recurrent.gate_mean", of, taking("bias", "variance"), power=1, name=f"law.recurrent.gate_mean({name})")


ROWS: Mapping[str, tuple[Row, ...]] = {
    "memory": (
        each("recurrent.retention", "share", _steps),
        each("recurrent.log_retention", "log share", _steps, scale=lambda k: k["steps"]),
        each("recurrent.time_constant", "constant", _bias, roundings=512),
        each("recurrent.torch_forget_bias", "bias", taking("input_bias", "hidden_bias"), scale=lambda k: 10.0),
    ),
    "recurrent_start": (
        mean("recurrent.torch_weight_variance", "square", taking("hidden")),
        *(_gate(of, name) for of, name in (("input", "input"), ("gate", "forget"), ("output", "output"))),
        each("recurrent.orthogonal_norm", "norm", lambda c: {"steps": 20}, roundings=2048),
    ),
    "gru_start": (_gate("reset", "reset"), _gate("gate", "update")),
    "rnn_start": (
        mean("activation.second_moment", "tanh", lambda c: {"activation": "tanh", "q": c["variance"]}),
        mean("relu.second_moment", "relu", lambda c: {"q": c["variance"]}),
    ),
}
