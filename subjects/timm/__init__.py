"""timm: a small classifier of every architecture that can be made small enough, as rows."""

from varlaw.subjects.subject import Subject
from varlaw.subjects.timm.architectures import LEFT_OUT, VARIANTS
from varlaw.subjects.timm.framework import architectures
from varlaw.subjects.timm.initialisers import INITIALISERS
from varlaw.subjects.timm.models import model

SUBJECTS: tuple[Subject, ...] = (*INITIALISERS, *(model(name) for name in VARIANTS))


def PUBLIC() -> set[str]:
    """Every module of timm.models that registers models, as the name of its row would be."""
    return {f"timm.{name}" for name in architectures()}


__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]
