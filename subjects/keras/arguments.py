"""keras.initializers with all of their documented arguments, on matrices, kernels and stacks of matrices."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.arguments import fixed
from varlaw.subjects.keras.framework import KERAS, NO_QR, keras
from varlaw.subjects.keras.initialisers import as_read, kernel_shape
from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Case, Sampler

Arguments = Callable[[Case], Mapping[str, Any]]


def _row(
    name: str, label: str, op: str, documented: str, arguments: Arguments, *, matrix: bool = False, **rest: Any
) -> Sampler:
    """`arguments(case)` builds a fresh initialiser; with `matrix` all axes but the last are the rows of one."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        x = getattr(keras().initializers, name)(**arguments(case))(kernel_shape(case), dtype=dtype)
        return {"": keras().ops.reshape(x, (-1, x.shape[-1])) if matrix else x}

    shape: dict[str, Any] = {"shape": as_read} if op.startswith("fill") else {}
    return sampler(KERAS, f"keras.initializers.{name}({label})", op, build, {"": documented}, **shape, **rest)


def _scaled(distribution: str, theirs: str) -> Sampler:
    law = f"variance_scaling(scale, shape_fan(mode), '{distribution}')"
    return _row(
        "VarianceScaling",
        f"scale, mode, {theirs}",
        "fill_scaled",
        law,
        lambda c: {"scale": c["scale"], "mode": c["mode"], "distribution": theirs},
    )


def _stacked(name: str, law: str) -> Sampler:
    """A kernel (stack, inputs, outputs) that maps by each of its matrices, as `EinsumDense` with a batch axis."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        shape = (case["stack"], case["inputs"], case["outputs"])
        return {"": getattr(keras().initializers, name)()(shape, dtype=dtype)}

    fans = [f"stack*{n}" for n in ("inputs", "outputs")]
    claims = {"": {"init.true_fan": law.format("inputs", "outputs")}}
    title = f"keras.initializers.{name}(stacked)"
    return sampler(KERAS, title, "stacked", build, {"": law.format(*fans)}, claims=claims)


ARGUMENTS: tuple[Sampler, ...] = (
    _row(
        "RandomNormal", "mean, stddev", "draw_normal", "Normal(std, mean)",
        lambda c: {"mean": c["mean"], "stddev": c["std"]},
    ),
    _row(
        "RandomUniform", "minval, maxval", "draw_uniform", "UniformRange(low, high)",
        lambda c: {"minval": c["low"], "maxval": c["high"]},
    ),
    _row(
        "TruncatedNormal", "mean, stddev", "draw_truncated", "TruncatedNormal(std, low, high, mean)",
        lambda c: {"mean": c["mean"], "stddev": c["std"]}, cases=fixed(low=-2.0, high=2.0),
    ),
    _row("Constant", "value", "draw_constant", "Constant(value)", lambda c: {"value": c["value"]}),
    _row("Identity", "gain", "draw_identity", "Identity(gain)", lambda c: {"gain": c["gain"]}),
    _row(
        "Orthogonal", "gain", "draw_orthogonal", "Orthogonal(gain)", lambda c: {"gain": c["gain"]}, matrix=True,
        unsupported=NO_QR,
    ),
    _scaled("uniform", "uniform"),
    _scaled("normal", "untruncated_normal"),
    _scaled("truncated_normal", "truncated_normal"),
    _stacked("GlorotUniform", "glorot_uniform({0}, {1})"),
    _stacked("HeNormal", "he_truncated({0})"),
)  # fmt: skip
