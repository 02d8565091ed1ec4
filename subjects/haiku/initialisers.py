"""haiku.initializers, on the weights of lax's own operations."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.haiku.framework import HAIKU
from varlaw.subjects.jax.framework import sampler
from varlaw.subjects.jax.initialisers import measure, read_shape, stored_shape
from varlaw.subjects.jax.samplers import NO_QR
from varlaw.subjects.subject import Case, Sampler

Init = Callable[[Any, Case], Any]  # (haiku.initializers, case) -> initialiser


def _initialiser(
    name: str,
    op: str,
    documented: str,
    make: Init,
    true: str = "",
    *,
    after: Callable[[Any], Any] = lambda w: w,
    **rest: Any,
) -> Sampler:
    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import haiku as hk

        function = hk.transform(lambda: make(hk.initializers, case)(stored_shape(case), dtype))
        return lambda key: {"": after(function.apply({}, key))}

    layered: dict[str, Any] = {"shape": read_shape, "measure": measure} if op.startswith("fill") else {}
    claims = {"": {"init.true_fan": true}} if true else {}
    return sampler(HAIKU, f"haiku.initializers.{name}", op, build, {"": documented}, claims=claims, **layered, **rest)


def _scaling(mode: str, distribution: str) -> Sampler:
    law = f"variance_scaling(2.0, {{}}fan('{mode}'), '{distribution}')"
    name = f"VarianceScaling({mode}, {distribution})"
    make: Init = lambda m, c: m.VarianceScaling(2.0, mode, distribution)  # noqa: E731
    return _initialiser(name, "fill", law.format("shape_"), make, law.format(""))


def _scaled(distribution: str) -> Sampler:
    law = f"variance_scaling(scale, shape_fan(mode), '{distribution}')"
    make: Init = lambda m, c: m.VarianceScaling(c["scale"], c["mode"], distribution)  # noqa: E731
    return _initialiser(f"VarianceScaling(scale, mode, {distribution})", "fill_scaled", law, make)


# Every documented argument, with its extremes.
ARGUMENTS: tuple[Sampler, ...] = (
    _initialiser(
        "RandomNormal(stddev, mean)",
        "draw_normal",
        "Normal(std, mean)",
        lambda m, c: m.RandomNormal(c["std"], c["mean"]),
    ),
    _initialiser(
        "RandomUniform(minval, maxval)",
        "draw_uniform",
        "UniformRange(low, high)",
        lambda m, c: m.RandomUniform(c["low"], c["high"]),
    ),
    # Silent on the unit of the limits: stds of the parent, as in jax.random, on which it is built.
    _initialiser(
        "TruncatedNormal(stddev, mean, lower, upper)",
        "draw_truncated",
        "TruncatedNormal(std, low, high, mean)",
        lambda m, c: m.TruncatedNormal(c["std"], c["mean"], c["low"], c["high"]),
    ),
    _initialiser("Identity(gain)", "draw_identity", "Identity(gain)", lambda m, c: m.Identity(c["gain"])),
    _initialiser(
        "Orthogonal(scale)",
        "draw_orthogonal",
        "Orthogonal(gain)",
        lambda m, c: m.Orthogonal(c["gain"]),
        after=lambda w: w.reshape(-1, w.shape[-1]),
        unsupported=NO_QR,
    ),
    *(_scaled(distribution) for distribution in ("uniform", "normal", "truncated_normal")),
)

INITIALISERS: tuple[Sampler, ...] = (
    _initialiser("RandomNormal", "shape", "Normal(scale)", lambda m, c: m.RandomNormal(c["scale"])),
    _initialiser("RandomUniform", "shape", "Uniform(scale)", lambda m, c: m.RandomUniform(-c["scale"], c["scale"])),
    _initialiser(
        "TruncatedNormal", "shape", "TruncatedNormal(scale, -2, 2)", lambda m, c: m.TruncatedNormal(c["scale"])
    ),
    _initialiser("Constant", "shape", "Constant(scale)", lambda m, c: m.Constant(c["scale"])),
    _initialiser("Identity", "matrix", "Identity()", lambda m, c: m.Identity()),
    _initialiser("Orthogonal", "matrix", "Orthogonal(scale)", lambda m, c: m.Orthogonal(c["scale"]), unsupported=NO_QR),
    _initialiser(
        "UniformScaling",
        "fill",
        "lecun_uniform(shape_fan_in)",
        lambda m, c: m.UniformScaling(),
        "lecun_uniform(fan_in)",
    ),
    _scaling("fan_in", "truncated_normal"),
    _scaling("fan_out", "normal"),
    _scaling("fan_avg", "uniform"),
)
