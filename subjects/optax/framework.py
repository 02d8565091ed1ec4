"""optax, behind the boundary to JAX."""

from varlaw.subjects.jax.framework import library

OPTAX = library("optax")
