"""MLX: mlx.nn's layers and initialisers, mlx.core.random, norms, dropout, losses and clipping, as rows."""

from varlaw.subjects.mlx.activations import ACTIVATIONS, GATED
from varlaw.subjects.mlx.arguments import ARGUMENTS
from varlaw.subjects.mlx.attention import ATTENTION
from varlaw.subjects.mlx.computations import EXPERIMENTS
from varlaw.subjects.mlx.init import INITIALISERS
from varlaw.subjects.mlx.layers import LAYERS
from varlaw.subjects.mlx.names import LEFT_OUT, PUBLIC
from varlaw.subjects.mlx.norms import NORMS
from varlaw.subjects.mlx.numbers import NUMBERS
from varlaw.subjects.mlx.optimisers import EXPERIMENTS as OPTIMISERS
from varlaw.subjects.mlx.scoring import SCORES
from varlaw.subjects.mlx.training import CLIPPERS, DROPOUTS, LOSSES
from varlaw.subjects.subject import Subject

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS,
    *ARGUMENTS,
    *LAYERS,
    *NORMS,
    *CLIPPERS,
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
