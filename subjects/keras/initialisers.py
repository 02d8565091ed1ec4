"""keras.initializers: every initialiser, with what the documentation promises."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.keras.framework import KERAS, NO_QR, keras
from varlaw.subjects.keras.layers import NN
from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Case, Sampler

Arguments = Callable[[Case], Mapping[str, Any]]


def kernel_shape(case: Case) -> tuple[int, ...]:
    return tuple(case["shape"]) if "shape" in case else NN.shape(case)


def as_read(case: Case) -> tuple[int, ...]:
    """The kernel's shape in the order (outputs, inputs, taps...) in which fans are read off a shape.

    Keras reads (taps..., inputs, outputs) off its own, whatever the layer means by its axes.
    """
    *taps, inputs, outputs = kernel_shape(case)
    return (outputs, inputs, *taps)


def _initialiser(
    name: str,
    arguments: Arguments,
    op: str,
    documented: str,
    *,
    label: str = "",
    true: str = "",
    unsupported: Mapping[str, str] | None = None,
) -> Sampler:
    """`arguments(case)` builds a fresh initialiser for each tensor; `true` is its promise with the layer's own fans."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        draw = getattr(keras().initializers, name)(**arguments(case))
        x = draw(kernel_shape(case), dtype=dtype)
        # What is orthogonal is the matrix of all axes but the last by the last.
        return {"": keras().ops.reshape(x, (-1, x.shape[-1])) if name == "Orthogonal" else x}

    claims = {"": {"init.true_fan": true} if true else {}}
    sizes = {"shape": kernel_shape} | NN.filled(op, as_read)
    title = f"keras.initializers.{name}{label}"
    return sampler(KERAS, title, op, build, {"": documented}, claims=claims, unsupported=unsupported or {}, **sizes)


def _scheme(name: str, scheme: str, *fans: str) -> Sampler:
    """An initialiser without arguments whose law `scheme` takes the fans read off the shape."""
    shape = ", ".join(f"shape_{fan}" for fan in fans)
    return _initialiser(
        name, lambda c: {}, "fill_transposed", f"{scheme}({shape})", true=f"{scheme}({', '.join(fans)})"
    )


def _scaling(distribution: str, theirs: str) -> Sampler:
    def arguments(case: Case) -> Mapping[str, Any]:
        return {"scale": 2.0, "mode": case["mode"], "distribution": theirs}

    law = "variance_scaling(2, {}fan(mode), '" + distribution + "')"
    label = f"(distribution={theirs!r})"
    return _initialiser(
        "VarianceScaling",
        arguments,
        "fill_average_grouped_conv",
        law.format("shape_"),
        label=label,
        true=law.format(""),
    )


def _reused() -> Sampler:
    """One instance called twice, as where two layers are given the same initialiser."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        draw = keras().initializers.RandomNormal(stddev=case["scale"])
        return {"first": draw(tuple(case["shape"]), dtype=dtype), "second": draw(tuple(case["shape"]), dtype=dtype)}

    tensors = dict.fromkeys(("first", "second"), "Normal(scale)")
    return sampler(KERAS, "keras.initializers.RandomNormal(reused)", "matrix", build, tensors)


INITIALISERS: tuple[Sampler, ...] = (
    _initialiser("RandomNormal", lambda c: {"stddev": c["scale"]}, "shape", "Normal(scale)"),
    _initialiser("RandomUniform", lambda c: {"minval": -c["scale"], "maxval": c["scale"]}, "shape", "Uniform(scale)"),
    _initialiser("TruncatedNormal", lambda c: {"stddev": c["scale"]}, "shape", "TruncatedNormal(scale, -2, 2)"),
    _reused(),
    _initialiser("Constant", lambda c: {"value": c["scale"]}, "shape", "Constant(scale)"),
    _initialiser("Ones", lambda c: {}, "shape", "Constant(1)"),
    _initialiser("Zeros", lambda c: {}, "shape", "Constant(0)"),
    _initialiser("Identity", lambda c: {}, "matrix", "Identity()"),
    _initialiser("Orthogonal", lambda c: {"gain": c["scale"]}, "matrix", "Orthogonal(scale)", unsupported=NO_QR),
    _scheme("GlorotUniform", "glorot_uniform", "fan_in", "fan_out"),
    _scheme("GlorotNormal", "glorot_truncated", "fan_in", "fan_out"),
    _scheme("HeUniform", "he_uniform", "fan_in"),
    _scheme("HeNormal", "he_truncated", "fan_in"),
    _scheme("LecunUniform", "lecun_uniform", "fan_in"),
    _scheme("LecunNormal", "lecun_truncated", "fan_in"),
    _scaling("uniform", "uniform"),
    _scaling("normal", "untruncated_normal"),
    _scaling("truncated_normal", "truncated_normal"),
)
