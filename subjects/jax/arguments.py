"""jax.nn.initializers and jax.random with all of their documented arguments: limits, gains, scales and axes."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.arguments import fixed
from varlaw.subjects.jax.framework import JAX, sampler
from varlaw.subjects.jax.initialisers import read_shape, stored_shape
from varlaw.subjects.jax.samplers import NO_QR
from varlaw.subjects.subject import Case, Sampler

Make = Callable[[Any, Case], Any]  # (jax.nn.initializers, case) -> initialiser
Draw = Callable[[Any, Any, Case, Any], Any]  # (jax.random, key, case, dtype) -> array


def _initialiser(
    name: str, op: str, documented: str, make: Make, after: Callable[[Any], Any] = lambda w: w, **rest: Any
) -> Sampler:
    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax

        init = make(jax.nn.initializers, case)
        return lambda key: {"": after(init(key, stored_shape(case), dtype))}

    layered: dict[str, Any] = {"shape": read_shape} if op.startswith("fill") else {}
    return sampler(JAX, f"jax.nn.initializers.{name}", op, build, {"": documented}, **layered, **rest)


def _random(name: str, op: str, documented: str, draw: Draw, **rest: Any) -> Sampler:
    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax

        return lambda key: {"": draw(jax.random, key, case, dtype)}

    return sampler(JAX, f"jax.random.{name}", op, build, {"": documented}, **rest)


def _columns(axis: int) -> Sampler:
    """Of a kernel the matrix of `column_axis` by all others."""

    def flat(w: Any) -> Any:
        import jax.numpy as jnp

        return jnp.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)

    name = f"orthogonal(scale, column_axis={axis})"
    make: Make = lambda m, c: m.orthogonal(c["gain"], column_axis=axis)  # noqa: E731
    return _initialiser(name, "draw_orthogonal", "Orthogonal(gain)", make, flat, unsupported=NO_QR)


def _delta(axis: int) -> Sampler:
    """The centre tap is orthogonal, every other tap is zero."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax

        shape = tuple(case["shape"])
        middle = tuple(side // 2 for side in shape[:-2])
        init = jax.nn.initializers.delta_orthogonal(case["gain"], column_axis=axis)

        def draw(key: Any) -> dict[str, Any]:
            w = init(key, shape, dtype)
            return {"centre": w[middle], "border": w.at[middle].set(0)}

        return draw

    tensors = {"centre": "Orthogonal(gain)", "border": "Constant(0)"}
    name = f"jax.nn.initializers.delta_orthogonal(scale, column_axis={axis})"
    return sampler(JAX, name, "draw_delta", build, tensors, unsupported=NO_QR)


def _scaled(distribution: str) -> Sampler:
    law = f"variance_scaling(scale, shape_fan(mode), '{distribution}')"
    make: Make = lambda m, c: m.variance_scaling(c["scale"], c["mode"], distribution)  # noqa: E731
    return _initialiser(f"variance_scaling(scale, mode, {distribution})", "fill_scaled", law, make)


def _stacked(label: str, documented: str, make: Make, true: str = "") -> Sampler:
    """A kernel (stack, inputs, outputs), whose axes the arguments tell the meaning of."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax

        init = make(jax.nn.initializers, case)
        return lambda key: {"": init(key, (case["stack"], case["inputs"], case["outputs"]), dtype)}

    claims = {"": {"init.true_fan": true}} if true else {}
    return sampler(JAX, f"jax.nn.initializers.{label}", "stacked", build, {"": documented}, claims=claims)


ARGUMENTS: tuple[Sampler, ...] = (
    _initialiser(
        "truncated_normal(stddev, lower, upper)",
        "draw_truncated",
        "TruncatedNormal(std, low, high)",
        lambda m, c: m.truncated_normal(c["std"], lower=c["low"], upper=c["high"]),
        cases=fixed(mean=0.0),
    ),
    _random(
        "truncated_normal(lower, upper)",
        "draw_truncated",
        "TruncatedNormal(1, low, high)",
        lambda r, k, c, d: r.truncated_normal(k, c["low"], c["high"], c["shape"], d),
        cases=fixed(mean=0.0, std=1.0),
    ),
    _random(
        "uniform(minval, maxval)",
        "draw_uniform",
        "UniformRange(low, high)",
        lambda r, k, c, d: r.uniform(k, c["shape"], d, minval=c["low"], maxval=c["high"]),
    ),
    _initialiser("constant(value)", "draw_constant", "Constant(value)", lambda m, c: m.constant(c["value"])),
    *(_columns(axis) for axis in (-1, 0)),
    *(_delta(axis) for axis in (-1, -2)),
    *(_scaled(distribution) for distribution in ("uniform", "normal", "truncated_normal")),
    _stacked("he_normal(stacked)", "he_truncated(stack*inputs)", lambda m, c: m.he_normal(), "he_truncated(inputs)"),
    _stacked(
        "glorot_uniform(batch_axis)", "glorot_uniform(inputs, outputs)", lambda m, c: m.glorot_uniform(batch_axis=0)
    ),
    _stacked(
        "lecun_normal(in_axis=(0, 1))", "lecun_truncated(stack*inputs)", lambda m, c: m.lecun_normal(in_axis=(0, 1))
    ),
    _stacked(
        "glorot_normal(out_axis=(1, 2))",
        "glorot_truncated(stack, inputs*outputs)",
        lambda m, c: m.glorot_normal(in_axis=0, out_axis=(1, 2)),
    ),
)
