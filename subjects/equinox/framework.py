"""equinox, behind the boundary to JAX."""

from varlaw.subjects.jax.framework import library

EQUINOX = library("equinox")
