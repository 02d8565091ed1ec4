"""Paddle: paddle.nn's layers and initialisers, samplers, norms, dropout, losses, clipping and gains, as rows."""

from varlaw.subjects.paddle.activations import ACTIVATIONS, GATED
from varlaw.subjects.paddle.arguments import ARGUMENTS
from varlaw.subjects.paddle.attention import ATTENTION
from varlaw.subjects.paddle.complex_rows import COMPLEX
from varlaw.subjects.paddle.computations import EXPERIMENTS
from varlaw.subjects.paddle.init import GAINS, INITIALISERS
from varlaw.subjects.paddle.layers import LAYERS
from varlaw.subjects.paddle.names import LEFT_OUT, PUBLIC
from varlaw.subjects.paddle.normalisers import NORMALISERS
from varlaw.subjects.paddle.norms import NORMS
from varlaw.subjects.paddle.numbers import NUMBERS
from varlaw.subjects.paddle.optimisers import EXPERIMENTS as OPTIMISERS
from varlaw.subjects.paddle.scoring import SCORES
from varlaw.subjects.paddle.training import CLIPPERS, DROPOUTS, LOSSES
from varlaw.subjects.subject import Subject

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS,
    *ARGUMENTS,
    *COMPLEX,
    *GAINS,
    *LAYERS,
    *NORMS,
    *CLIPPERS,
    *NORMALISERS,
    *DROPOUTS,
    *LOSSES,
    *SCORES,
    *ACTIVATIONS,
    *GATED,
    *EXPERIMENTS,
    *NUMBERS,
    *OPTIMISERS,
    *ATTENTION,
)
