"""optax: clipping, division by a norm, noise and losses, as rows."""

from varlaw.subjects.optax.clipping import CLIPPERS, NORMALISERS, PROJECTIONS
from varlaw.subjects.optax.losses import LOSSES
from varlaw.subjects.optax.names import LEFT_OUT, PUBLIC
from varlaw.subjects.optax.noise import NOISES
from varlaw.subjects.optax.optimisers import EXPERIMENTS as OPTIMISERS
from varlaw.subjects.optax.scoring import SCORES
from varlaw.subjects.subject import Subject

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (*CLIPPERS, *NORMALISERS, *PROJECTIONS, *NOISES, *LOSSES, *SCORES, *OPTIMISERS)
