"""mlx.nn.init and mlx.core.random with all of their documented arguments."""

from collections.abc import Sequence
from typing import Any

from varlaw.subjects.arguments import fixed
from varlaw.subjects.mlx.framework import NO_FLOAT64
from varlaw.subjects.mlx.init import NO_QR, initialiser, random
from varlaw.subjects.subject import Case, Sampler


def _stacked(name: str, law: str, **more: Any) -> Sampler:
    """Matrices of several experts in one weight (experts, outputs, inputs), as `SwitchLinear` keeps them.

    The documentation knows no stacks: the first axis is read as outputs, the middle ones as taps.
    """
    documented, true = law.format("outputs*inputs", "stack*inputs"), law.format("outputs", "inputs")
    return initialiser(name, "stacked", documented, lambda c: {}, {"init.true_fan": true}, label="(stacked)", **more)


def _matrices(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """Refuses, as documented, whatever has not two axes."""
    return [case for case in usual if len(case["shape"]) == 2]


def _ends(case: Case) -> dict[str, Any]:
    return {"low": case["low"], "high": case["high"]}


def _gained(name: str, **more: Any) -> Sampler:
    law, fans = name, "shape_fan_in, shape_fan_out" if name.startswith("glorot") else "shape_fan_in"
    made: dict[str, Any] = {"label": "(gain)", "called": lambda c: {"gain": c["gain"]}}
    return initialiser(name, "fill_gain", f"{law}({fans}, gain)", lambda c: {}, **made, **more)


ARGUMENTS: tuple[Sampler, ...] = (
    initialiser(
        "normal", "draw_normal", "Normal(std, mean)", lambda c: {"mean": c["mean"], "std": c["std"]},
        label="(mean, std)",
    ),
    initialiser(
        "uniform", "draw_uniform", "UniformRange(low, high)", _ends, label="(low, high)", unsupported=NO_FLOAT64
    ),
    initialiser("constant", "draw_constant", "Constant(value)", lambda c: {"value": c["value"]}, label="(value)"),
    initialiser(
        "orthogonal", "draw_orthogonal", "Orthogonal(gain)", lambda c: {"gain": c["gain"]}, label="(gain)",
        unsupported=NO_QR, cases=_matrices,
    ),
    initialiser(
        "sparse", "draw_sparse", "SparseNormal(std, sparsity)",
        lambda c: {"sparsity": c["sparsity"], "std": c["std"]}, rows=True, label="(sparsity, std)",
    ),
    *(_gained(name, unsupported=NO_FLOAT64) for name in ("glorot_uniform", "he_uniform")),
    *(_gained(name) for name in ("glorot_normal", "he_normal")),
    _stacked("glorot_normal", "glorot_normal({0}, {1})"),
    random(
        "normal", "Normal(std, mean)", lambda c: {"loc": c["mean"], "scale": c["std"]}, "draw_normal", "(loc, scale)"
    ),
    random("uniform", "UniformRange(low, high)", _ends, "draw_uniform", "(low, high)", unsupported=NO_FLOAT64),
    random(
        "truncated_normal", "TruncatedNormal(1, low, high)", lambda c: {"lower": c["low"], "upper": c["high"]},
        "draw_truncated", "(lower, upper)", unsupported=NO_FLOAT64, cases=fixed(mean=0.0, std=1.0),
    ),
)  # fmt: skip
