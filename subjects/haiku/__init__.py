"""haiku: initialisers, layers, networks, norms and dropout, as rows."""

from varlaw.subjects.haiku.complex_rows import COMPLEX
from varlaw.subjects.haiku.initialisers import ARGUMENTS, INITIALISERS
from varlaw.subjects.haiku.layers import LAYERS
from varlaw.subjects.haiku.names import LEFT_OUT, PUBLIC
from varlaw.subjects.haiku.nets import NETS
from varlaw.subjects.haiku.normalisers import NORMALISERS
from varlaw.subjects.haiku.norms import DROPOUTS, NORMS
from varlaw.subjects.subject import Subject

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS,
    *ARGUMENTS,
    *COMPLEX,
    *LAYERS,
    *NETS,
    *NORMS,
    *NORMALISERS,
    *DROPOUTS,
)
