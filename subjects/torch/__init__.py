"""torch: every default initialisation, `torch.nn.init`, norms, clipping, gains, losses and dropout, as rows."""

from typing import Any

from varlaw.subjects.founding import founding
from varlaw.subjects.subject import Subject
from varlaw.subjects.torch.activations import ACTIVATIONS
from varlaw.subjects.torch.arguments import ARGUMENTS
from varlaw.subjects.torch.attention import EXPERIMENTS as ATTENTION
from varlaw.subjects.torch.clipping import CLIPPERS
from varlaw.subjects.torch.complex_rows import COMPLEX
from varlaw.subjects.torch.dropout import DROPOUTS
from varlaw.subjects.torch.experiments import EXPERIMENTS
from varlaw.subjects.torch.framework import TORCH, dtype_of
from varlaw.subjects.torch.init import GAINS, INITIALISERS
from varlaw.subjects.torch.layers import LAYERS
from varlaw.subjects.torch.losses import LOSSES
from varlaw.subjects.torch.names import LEFT_OUT, PUBLIC
from varlaw.subjects.torch.networks import NETWORKS
from varlaw.subjects.torch.normalisers import NORMALISERS
from varlaw.subjects.torch.norms import NORMS
from varlaw.subjects.torch.numbers import NUMBERS
from varlaw.subjects.torch.optimisers import EXPERIMENTS as OPTIMISERS
from varlaw.subjects.torch.samplers import LOSS_LAYERS, PARAMETRISED, SAMPLERS
from varlaw.subjects.torch.scoring import SCORES
from varlaw.subjects.torch.sharded import CLIPPERS as SHARDED_CLIPPERS
from varlaw.subjects.torch.sharded import LAWS, SHARDED

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]


def _uniform(count: int, bound: float, dtype: str, device: str, key: Any) -> Any:
    import torch

    return torch.empty(count, dtype=dtype_of(dtype), device=device).uniform_(-bound, bound)


SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS,
    *ARGUMENTS,
    *GAINS,
    *LAYERS,
    *NORMS,
    *CLIPPERS,
    *NORMALISERS,
    *LOSSES,
    *SCORES,
    *DROPOUTS,
    *SAMPLERS,
    *COMPLEX,
    *PARAMETRISED,
    *LOSS_LAYERS,
    *NETWORKS,
    *SHARDED,
    *LAWS,
    *SHARDED_CLIPPERS,
    *ACTIVATIONS,
    *NUMBERS,
    *EXPERIMENTS,
    *OPTIMISERS,
    *ATTENTION,
    founding(TORCH, lambda x: x.relu(), _uniform),
)
