"""equinox: layers, norms, dropout and PReLU, as rows."""

from varlaw.subjects.equinox.activations import ACTIVATIONS
from varlaw.subjects.equinox.attention import POSITIONS
from varlaw.subjects.equinox.complex_rows import COMPLEX
from varlaw.subjects.equinox.layers import LAYERS
from varlaw.subjects.equinox.names import LEFT_OUT, PUBLIC
from varlaw.subjects.equinox.normalisers import NORMALISERS
from varlaw.subjects.equinox.norms import DROPOUTS, NORMS
from varlaw.subjects.subject import Subject

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (*LAYERS, *COMPLEX, *NORMS, *DROPOUTS, *NORMALISERS, *POSITIONS, *ACTIVATIONS)
