"""The functions of optax that clip, normalise, project or draw, and the reasons for those without a row."""

from collections.abc import Iterator, Mapping

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
    **{f"optax.projections.projection_{n}": _OTHER_SET for n in ("hal*", "hyper*", "l1*")},
    "optax.projections.projection_linf_ball": "the box of projection_box",
    "optax.projections.projection_non_negative": _OTHER_SET,
    "optax.projections.projection_vector": _OTHER_SET,
}
