"""haiku, behind the boundary to JAX."""

from varlaw.subjects.jax.framework import library

HAIKU = library("haiku")
