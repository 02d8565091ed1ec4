"""flax, behind the boundary to JAX."""

from varlaw.subjects.jax.framework import library

FLAX = library("flax")
