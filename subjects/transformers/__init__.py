"""transformers: a tiny model of every model type that can be built from its configuration class, as rows."""

from varlaw.subjects.subject import Subject
from varlaw.subjects.transformers.families import FAMILIES
from varlaw.subjects.transformers.framework import model_types
from varlaw.subjects.transformers.left_out import LEFT_OUT
from varlaw.subjects.transformers.models import model

SUBJECTS: tuple[Subject, ...] = tuple(model(name) for name in FAMILIES)


def PUBLIC() -> set[str]:
    """Every model type that transformers ships, as the name of its row would be."""
    return {f"transformers.{name}" for name in model_types()}


__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]
