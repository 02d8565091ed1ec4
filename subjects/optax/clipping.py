"""optax: gradient clipping of every kind, and division by the norm.

Rules that clip each leaf, or each example, alone are given all gradients as one leaf of one example, where they must
agree with clipping by the global norm.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.subjects.optax.framework import OPTAX
from varlaw.subjects.projecting import simplex
from varlaw.subjects.rows import clipper, normaliser
from varlaw.subjects.subject import Clipper, Normaliser


def _updated(make: Callable[[Any, float], Any], parameters: Any = None) -> Callable[[list[Any], float], Any]:
    """The updates that a gradient transformation returns, with the global norm that optax reports of its input."""

    def clip(leaves: list[Any], limit: float, absent: bool = False) -> tuple[list[Any], Any]:
        import optax

        transformation = make(optax, limit)
        given = None if parameters is None else [parameters(leaf) for leaf in leaves]
        tree = [None, *leaves] if absent else leaves
        updates, _ = transformation.update(tree, transformation.init(tree), given)
        return updates[1:] if absent else updates, optax.global_norm(tree)

    return clip


def _unit(leaf: Any) -> Any:
    """Parameters of norm 1: adaptive clipping allows `clipping` times the norm of the parameters."""
    return leaf * 0 + leaf.size**-0.5


def _column(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    """One column of a matrix of two: a unit by itself, as documented, whatever the gradient of the other one is."""
    import jax.numpy as jnp
    import optax

    (leaf,) = leaves
    rule = optax.adaptive_grad_clip(limit)
    matrix = jnp.stack([leaf, jnp.full_like(leaf, 100.0)], axis=1)
    updates, _ = rule.update([matrix], rule.init([matrix]), [jnp.stack([_unit(leaf)] * 2, axis=1)])
    return [updates[0][:, 0]], optax.global_norm(leaves)


def _block_rms(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    """Clipping the root mean square of a block of n numbers to limit/sqrt(n) is clipping its norm to the limit."""
    import optax

    (leaf,) = leaves
    transformation = optax.clip_by_block_rms(limit / leaf.size**0.5)
    return transformation.update(leaves, transformation.init(leaves))[0], optax.global_norm(leaves)


def _per_example(name: str) -> Callable[[list[Any], float], Any]:
    def clip(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
        import optax

        summed, _ = getattr(optax, name)([leaf[None] for leaf in leaves], limit)
        return summed, optax.global_norm(leaves)

    return clip


def _ball(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    import optax

    return optax.projections.projection_l2_ball(leaves, limit), optax.global_norm(leaves)


def _box(leaves: list[Any], limit: float, low: float | None = None) -> tuple[list[Any], Any]:
    import optax

    ends = (-limit if low is None else low, limit)
    lower, upper = ([np.full(leaf.shape, end, leaf.dtype) for leaf in leaves] for end in ends)
    return optax.projections.projection_box(leaves, lower, upper), None


def _private(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    """Differentially private aggregation of one example, without noise."""
    import optax

    rule = optax.contrib.differentially_private_aggregate(limit, 0.0, 0)
    updates, _ = rule.update([leaf[None] for leaf in leaves], rule.init(leaves))
    return updates, optax.global_norm(leaves)


CLIPPERS: tuple[Clipper, ...] = (
    clipper(
        OPTAX,
        "optax.clip_by_global_norm",
        "clip_norm",
        _updated(lambda o, c: o.clip_by_global_norm(c)),
        adjusts=("absent",),
    ),
    clipper(OPTAX, "optax.clip", "clip_value", _updated(lambda o, c: o.clip(c)), adjusts=("absent",)),
    clipper(OPTAX, "optax.clip_by_block_rms", "clip_norm", _block_rms, single=True),
    clipper(
        OPTAX,
        "optax.adaptive_grad_clip",
        "clip_norm",
        _updated(lambda o, c: o.adaptive_grad_clip(c), _unit),
        single=True,
    ),
    clipper(OPTAX, "optax.adaptive_grad_clip(column)", "clip_norm", _column, single=True),
    clipper(OPTAX, "optax.per_example_global_norm_clip", "clip_norm", _per_example("per_example_global_norm_clip")),
    clipper(
        OPTAX,
        "optax.per_example_layer_norm_clip",
        "clip_norm",
        _per_example("per_example_layer_norm_clip"),
        single=True,
    ),
    clipper(OPTAX, "optax.contrib.differentially_private_aggregate", "clip_norm", _private),
    clipper(OPTAX, "optax.projections.projection_l2_ball", "clip_norm", _ball),
    clipper(OPTAX, "optax.projections.projection_box", "clip_value", _box, adjusts=("low",)),
)


def _simplex(x: Any, scale: float) -> Any:
    import optax

    return optax.projections.projection_simplex(x, scale)


PROJECTIONS = (simplex(OPTAX, "projections.projection_simplex", _simplex),)

# -- division by the norm ----------------------------------------------------------------------------------------------


def _normaliser(name: str, divide: Callable[[Any], Callable[[list[Any]], list[Any]]]) -> Normaliser:
    """`divide(optax)` gives the function of a list of leaves, which here is one vector."""

    def one(x: Any, key: Any) -> Any:
        import optax

        return divide(optax)([x])[0]

    return normaliser(OPTAX, f"optax.{name}", "normalise", one)


def _rule(make: Callable[[Any], Any]) -> Callable[[Any], Callable[[list[Any]], list[Any]]]:
    """The updates that a gradient transformation returns."""
    return lambda optax: lambda leaves: make(optax).update(leaves, make(optax).init(leaves))[0]


NORMALISERS: tuple[Normaliser, ...] = (
    _normaliser("projections.projection_l2_sphere", lambda o: o.projections.projection_l2_sphere),
    _normaliser("normalize_by_update_norm", _rule(lambda o: o.normalize_by_update_norm())),
    _normaliser("contrib.normalize", _rule(lambda o: o.contrib.normalize())),
)
