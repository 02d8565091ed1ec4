"""Gradient clipping in JAX and optax, called on a list of leaves."""

from collections.abc import Callable, Sequence
from typing import Any

from varlaw.subjects.jax.framework import JAX, array, floats, place
from varlaw.subjects.leaves import apart, joined
from varlaw.subjects.subject import Clipper, Floats, Framework

Clip = Callable[[list[Any], float], tuple[list[Any], Any]]  # (leaves, limit) -> leaves and the norm, or None


def clipper(of: Framework, name: str, op: str, clip: Clip, *, single: bool = False) -> Clipper:
    """A row for `clip`; with `single` it is given all gradients as one leaf, for rules that clip each leaf alone."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        given = [joined(grads)] if single else list(grads)
        with place(dtype, device):
            clipped, norm = clip([array(g, dtype) for g in given], limit)
            found = [floats(g) for g in clipped]
            reported = None if norm is None else float(norm)
        return apart(found[0], grads) if single else found, reported

    return Clipper(name=name, framework=of, op=op, apply=apply)


def _clip_grads(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    from jax.example_libraries import optimizers

    return optimizers.clip_grads(leaves, limit), optimizers.l2_norm(leaves)


CLIPPERS: tuple[Clipper, ...] = (clipper(JAX, "jax.example_libraries.optimizers.clip_grads", "clip_norm", _clip_grads),)
