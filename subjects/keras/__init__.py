"""Keras 3: initialisers, default initialisation of every layer, norms, clipping, dropout, losses and samplers."""

from varlaw.subjects.keras import dropout_inside
from varlaw.subjects.keras.activations import ACTIVATIONS, GATED
from varlaw.subjects.keras.arguments import ARGUMENTS
from varlaw.subjects.keras.attention import ATTENTION, SIMPLEX
from varlaw.subjects.keras.clipping import CLIPPERS
from varlaw.subjects.keras.computations import EXPERIMENTS
from varlaw.subjects.keras.dropout import DROPOUTS
from varlaw.subjects.keras.initialisers import INITIALISERS
from varlaw.subjects.keras.layers import LAYERS
from varlaw.subjects.keras.losses import LOSSES
from varlaw.subjects.keras.normalisers import NORMALISERS
from varlaw.subjects.keras.norms import NORMS
from varlaw.subjects.keras.numbers import NUMBERS
from varlaw.subjects.keras.optimisers import EXPERIMENTS as OPTIMISERS
from varlaw.subjects.keras.public import LEFT_OUT, PUBLIC
from varlaw.subjects.keras.sampling import SAMPLERS
from varlaw.subjects.keras.scoring import SCORES
from varlaw.subjects.keras.seeded import SEEDED
from varlaw.subjects.keras.sequences import SEQUENCES
from varlaw.subjects.subject import Subject

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS, *ARGUMENTS, *SAMPLERS, *LAYERS, *SEQUENCES, *SEEDED, *NORMS, *CLIPPERS, *NORMALISERS,
    *DROPOUTS, *dropout_inside.DROPOUTS, *LOSSES, *SCORES, *ACTIVATIONS, *GATED, *EXPERIMENTS,
    *NUMBERS, *OPTIMISERS, *ATTENTION, *SIMPLEX,
)  # fmt: skip
