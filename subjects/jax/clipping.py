"""Gradient clipping in JAX's example library, called on a list of leaves."""

from typing import Any

from varlaw.subjects.jax.framework import JAX
from varlaw.subjects.rows import clipper
from varlaw.subjects.subject import Clipper


def _clip_grads(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
    from jax.example_libraries import optimizers

    return optimizers.clip_grads(leaves, limit), optimizers.l2_norm(leaves)


CLIPPERS: tuple[Clipper, ...] = (clipper(JAX, "jax.example_libraries.optimizers.clip_grads", "clip_norm", _clip_grads),)
