"""transformers: a tiny model of every type that can be built from its configuration class, norms and initialisers."""

import inspect

from varlaw.subjects.subject import Subject
from varlaw.subjects.transformers.activations import ACTIVATIONS, GATED
from varlaw.subjects.transformers.attention import EXPERIMENTS
from varlaw.subjects.transformers.blocks import BLOCKS
from varlaw.subjects.transformers.families import FAMILIES
from varlaw.subjects.transformers.framework import model_types
from varlaw.subjects.transformers.initialisers import INITIALISERS
from varlaw.subjects.transformers.left_out import LEFT_OUT
from varlaw.subjects.transformers.models import model
from varlaw.subjects.transformers.norms import NORMS
from varlaw.subjects.transformers.positions import POSITIONS

SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS,
    *NORMS,
    *ACTIVATIONS,
    *GATED,
    *BLOCKS,
    *EXPERIMENTS,
    *POSITIONS,
    *(model(name) for name in FAMILIES),
)


def PUBLIC() -> set[str]:
    """Every model type that transformers ships, and its initialisers, as the names of their rows would be."""
    from transformers import initialization

    own = {n for n, f in vars(initialization).items() if inspect.isfunction(f) and n.endswith("_") and n[0] != "_"}
    return {f"transformers.{name}" for name in model_types()} | {f"transformers.initialization.{name}" for name in own}


__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]
