"""tinygrad: tinygrad.nn's layers, samplers, initialisers, norms, dropout, losses and activations, as rows."""

from varlaw.subjects.subject import Subject
from varlaw.subjects.tinygrad.activations import ACTIVATIONS
from varlaw.subjects.tinygrad.init import INITIALISERS
from varlaw.subjects.tinygrad.layers import LAYERS
from varlaw.subjects.tinygrad.names import LEFT_OUT, PUBLIC
from varlaw.subjects.tinygrad.norms import NORMS
from varlaw.subjects.tinygrad.training import DROPOUTS, LOSSES

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (*INITIALISERS, *LAYERS, *NORMS, *DROPOUTS, *LOSSES, *ACTIVATIONS)
