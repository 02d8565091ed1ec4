"""JAX itself: its samplers, initialisers and norm; the libraries on it have rows in modules of their own beside this."""

from varlaw.subjects.jax.clipping import CLIPPERS
from varlaw.subjects.jax.initialisers import INITIALISERS
from varlaw.subjects.jax.norms import NORMS
from varlaw.subjects.jax.samplers import SAMPLERS
from varlaw.subjects.subject import Subject

SUBJECTS: tuple[Subject, ...] = (*SAMPLERS, *INITIALISERS, *NORMS, *CLIPPERS)
