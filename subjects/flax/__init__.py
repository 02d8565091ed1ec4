"""flax, linen and nnx: layers, norms, dropout, adapters and PReLU, as rows."""

from varlaw.subjects.flax import linen, nnx
from varlaw.subjects.flax.activations import ACTIVATIONS
from varlaw.subjects.flax.attention import ATTENTION
from varlaw.subjects.flax.complex_rows import COMPLEX
from varlaw.subjects.flax.names import LEFT_OUT, PUBLIC
from varlaw.subjects.flax.normalisers import NORMALISERS
from varlaw.subjects.flax.norms import NORMS
from varlaw.subjects.flax.training import ADAPTERS, DROPOUTS
from varlaw.subjects.subject import Subject

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (
    *linen.LAYERS,
    *nnx.LAYERS,
    *COMPLEX,
    *NORMS,
    *DROPOUTS,
    *NORMALISERS,
    *ADAPTERS,
    *ATTENTION,
    *ACTIVATIONS,
)
