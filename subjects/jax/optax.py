"""optax: gradient clipping of every kind, the noise it adds, and the cross entropies among its losses.

Rules that clip each leaf, or each example, alone are given all gradients as one leaf of one example, where they must
agree with clipping by the global norm.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.jax.clipping import clipper
from varlaw.subjects.jax.framework import array, floats, framework, place, sampler
from varlaw.subjects.jax.weight_norms import normaliser
from varlaw.subjects.subject import Case, Clipper, Floats, Loss, Normaliser, Sampler, Subject

OPTAX = framework("optax")

# -- clipping ----------------------------------------------------------------------------------------------------------


def _updated(make: Callable[[Any, float], Any], parameters: Any = None) -> Callable[[list[Any], float], Any]:
    """The updates that a gradient transformation returns, with the global norm that optax reports of its input."""

    def clip(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
        import optax

        transformation = make(optax, limit)
        given = None if parameters is None else [parameters(leaf) for leaf in leaves]
        updates, _ = transformation.update(leaves, transformation.init(leaves), given)
        return updates, optax.global_norm(leaves)

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


def _box(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    import optax

    lower, upper = ([np.full(leaf.shape, end, leaf.dtype) for leaf in leaves] for end in (-limit, limit))
    return optax.projections.projection_box(leaves, lower, upper), None


def _private(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    """Differentially private aggregation of one example, without noise."""
    import optax

    rule = optax.contrib.differentially_private_aggregate(limit, 0.0, 0)
    updates, _ = rule.update([leaf[None] for leaf in leaves], rule.init(leaves))
    return updates, optax.global_norm(leaves)


CLIPPERS: tuple[Clipper, ...] = (
    clipper(OPTAX, "optax.clip_by_global_norm", "clip_norm", _updated(lambda o, c: o.clip_by_global_norm(c))),
    clipper(OPTAX, "optax.clip", "clip_value", _updated(lambda o, c: o.clip(c))),
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
    clipper(OPTAX, "optax.projections.projection_box", "clip_value", _box),
)

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

# -- noise ------------------------------------------------------------------------------------------------------------

Noise = Callable[[Any, Any, Case, Any], Any]  # (optax, key, case, two leaves of zeros) -> two leaves of noise


def _noise(name: str, draw: Noise) -> Sampler:
    """What is added to two leaves of one shape."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax.numpy as jnp
        import optax

        zeros = jnp.zeros(case["shape"], dtype)
        return lambda key: dict(draw(optax, key, case, {"first": zeros, "second": zeros}))

    return sampler(OPTAX, f"optax.{name}", "shape", build, dict.fromkeys(("first", "second"), "Normal(scale)"))


def _gradient_noise(optax: Any, key: Any, case: Case, leaves: Any) -> Any:
    """The variance of the first step is eta/1."""
    rule = optax.add_noise(case["scale"] ** 2, 0.55, key)
    return rule.update(leaves, rule.init(leaves))[0]


def _private_noise(optax: Any, key: Any, case: Case, leaves: Any) -> Any:
    """Of a batch of one example, whose noise is the limit of its norm times the multiplier."""
    rule = optax.contrib.differentially_private_aggregate(1.0, case["scale"], key)
    examples = {name: leaf[None] for name, leaf in leaves.items()}
    return rule.update(examples, rule.init(leaves))[0]


def _random_like(optax: Any, key: Any, case: Case, leaves: Any) -> Any:
    noise = optax.tree.random_like(key, leaves)
    return {name: case["scale"] * leaf for name, leaf in noise.items()}


NOISES: tuple[Sampler, ...] = (
    _noise("add_noise", _gradient_noise),
    _noise("contrib.differentially_private_aggregate(noise)", _private_noise),
    _noise("tree.random_like", _random_like),
)

# -- losses ------------------------------------------------------------------------------------------------------------

Cross = Callable[[Any, Any, NDArray[np.int64]], Any]  # (optax, logits, labels) -> losses, one a row


def _loss(name: str, cross: Cross, indices: bool = False) -> Loss:
    """optax returns one loss a row; its documentation takes the mean of them with `.mean()`."""

    def apply(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
        import optax

        with place(dtype, device):
            losses = cross(optax, array(logits, dtype), labels)
            return floats(losses.mean() if reduction == "mean" else losses)

    return Loss(name=f"optax.{name}", framework=OPTAX, op="cross_entropy", apply=apply, indices=indices)


def _one_hot(logits: Any, labels: NDArray[np.int64]) -> Any:
    import jax

    return jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)


LOSSES: tuple[Loss, ...] = (
    _loss("softmax_cross_entropy", lambda o, x, y: o.softmax_cross_entropy(x, _one_hot(x, y))),
    _loss(
        "softmax_cross_entropy_with_integer_labels",
        lambda o, x, y: o.softmax_cross_entropy_with_integer_labels(x, y.astype(np.int32)),
        indices=True,
    ),
    _loss("safe_softmax_cross_entropy", lambda o, x, y: o.safe_softmax_cross_entropy(x, _one_hot(x, y))),
    _loss(
        "losses.poly_loss_cross_entropy",
        lambda o, x, y: o.losses.poly_loss_cross_entropy(x, _one_hot(x, y), epsilon=0.0),
    ),
)

SUBJECTS: tuple[Subject, ...] = (*CLIPPERS, *NORMALISERS, *NOISES, *LOSSES)

# -- what there is -----------------------------------------------------------------------------------------------------

_MARKS = (
    "clip",
    "normali",
    "cross_entropy",
    "projection_",
    "softmax",
    "drop",
    "global_norm",
    "aggregate",
    "noise",
    "random",
)


def PUBLIC() -> Iterator[str]:
    """Every function of optax whose name speaks of clipping, norms, noise, projections or cross entropy."""
    import optax

    places = {"": optax, "tree.": optax.tree, "losses.": optax.losses, "projections.": optax.projections}
    places["contrib."] = optax.contrib
    for prefix, module in places.items():
        for name in dir(module):
            if (
                name.islower()
                and name[0] != "_"
                and any(mark in name for mark in _MARKS)
                and callable(getattr(module, name))
            ):
                yield f"optax.{prefix}{name}"


_OTHER_SET = "projects on another set than a ball about zero or a box"
_SAME = "the same function under a second name"
LEFT_OUT: Mapping[str, str] = {
    "optax.tree.clip": "the function that optax.clip calls, which has a row",
    "optax.tree.unwrap_random_key_data": "draws nothing",
    "optax.global_norm": "held as the norm that optax.clip_by_global_norm reports",
    "optax.losses.safe_softmax_cross_entropy": _SAME,
    "optax.losses.softmax_cross_entropy*": _SAME,
    "optax.losses.ranking_softmax_loss": "a loss of rankings, not of classes",
    "optax.*sigmoid_binary_cross_entropy": "a loss of independent labels, not of one class among C",
    **{f"optax.projections.projection_{n}": _OTHER_SET for n in ("hal*", "hyper*", "l1*", "simplex")},
    "optax.projections.projection_linf_ball": "the box of projection_box",
    "optax.projections.projection_non_negative": _OTHER_SET,
    "optax.projections.projection_vector": _OTHER_SET,
}
