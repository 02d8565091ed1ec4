"""paddle.nn.initializer and the samplers under paddle with all of their documented arguments."""

from collections.abc import Sequence
from typing import Any

from varlaw.subjects.paddle.init import IN_FLOAT32, NO_QR, NO_TRUNCATED, drawn, initialiser
from varlaw.subjects.subject import Case, Sampler

_BENT = (
    "shape_fan(mode), {'linear': 1, 'sigmoid': 1, 'tanh': 5/3, 'relu': sqrt(2), 'selu': 3/4, "
    "'leaky_relu': sqrt(2/(1 + slope**2))}[nonlinearity]"
)


def _bent(case: Case) -> dict[str, Any]:
    return {"negative_slope": case["slope"], "mode": case["mode"], "nonlinearity": case["nonlinearity"]}


def _cut(case: Case) -> dict[str, Any]:
    """The cut is documented in absolute numbers, the case's is in stds from the mean."""
    low, high = (case["mean"] + end * case["std"] for end in (case["low"], case["high"]))
    return {"mean": case["mean"], "std": case["std"], "a": low, "b": high}


def _warned_of(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """But for the cuts of which the documentation says that "the distribution of values may be incorrect"."""
    return [case for case in usual if case["low"] <= 2 and case["high"] >= -2]


def _normal(case: Case) -> dict[str, Any]:
    return {"mean": case["mean"], "std": case["std"]}


def _stacked(name: str, law: str) -> Sampler:
    """Matrices of several experts in one parameter (experts, inputs, outputs); read as (outputs, inputs, taps)."""
    documented = law.format("inputs*outputs", "stack*outputs")
    claims = {"init.true_fan": law.format("inputs", "outputs")}
    return initialiser(name, "stacked", documented, lambda c: {}, label="(stacked)", claims=claims)


ARGUMENTS: tuple[Sampler, ...] = (
    initialiser("Normal", "draw_normal", "Normal(std, mean)", _normal, label="(mean, std)"),
    initialiser(
        "Uniform", "draw_uniform", "UniformRange(low, high)", lambda c: {"low": c["low"], "high": c["high"]},
        label="(low, high)",
    ),
    initialiser(
        "TruncatedNormal", "draw_truncated", "TruncatedNormal(std, low, high, mean)", _cut, label="(mean, std, a, b)",
        unsupported=NO_TRUNCATED, cases=_warned_of,
    ),
    initialiser("Constant", "draw_constant", "Constant(value)", lambda c: {"value": c["value"]}, label="(value)"),
    initialiser(
        "Orthogonal", "draw_orthogonal", "Orthogonal(gain)", lambda c: {"gain": c["gain"]}, label="(gain)",
        unsupported=NO_QR, after=lambda w: w.reshape([w.shape[0], -1]),
    ),
    initialiser(
        "XavierUniform", "fill_gain", "glorot_uniform(shape_fan_in, shape_fan_out, gain)",
        lambda c: {"gain": c["gain"]}, label="(gain)",
    ),
    initialiser(
        "XavierNormal", "fill_gain", "glorot_normal(shape_fan_in, shape_fan_out, gain)", lambda c: {"gain": c["gain"]},
        label="(gain)",
    ),
    initialiser(
        "XavierNormal", "stacked", "glorot_normal(stack*inputs, 2*outputs)",
        lambda c: {"fan_in": c["stack"] * c["inputs"], "fan_out": 2 * c["outputs"]}, label="(fan_in, fan_out)",
    ),
    initialiser(
        "KaimingUniform", "stacked", "he_uniform(stack*inputs)", lambda c: {"fan_in": c["stack"] * c["inputs"]},
        label="(fan_in)",
    ),
    initialiser("KaimingUniform", "fill_bent", f"he_uniform({_BENT})", _bent, label="(negative_slope, nonlinearity)"),
    initialiser("KaimingNormal", "fill_bent", f"he_normal({_BENT})", _bent, label="(negative_slope, nonlinearity)"),
    _stacked("XavierUniform", "glorot_uniform({0}, {1})"),
    _stacked("KaimingNormal", "he_normal({0})"),
    drawn(
        "normal", "Normal(std, mean)", _normal, op="draw_normal", label="(mean, std)", unsupported=IN_FLOAT32
    ),
    drawn(
        "uniform", "UniformRange(low, high)", lambda c: {"min": c["low"], "max": c["high"]}, op="draw_uniform",
        label="(min, max)",
    ),
)  # fmt: skip
