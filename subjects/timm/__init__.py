"""timm: a small classifier of every architecture that can be made small enough, its norms and its initialisers."""

import fnmatch
import inspect

from varlaw.subjects.subject import Subject
from varlaw.subjects.timm.activations import ACTIVATIONS, GATED
from varlaw.subjects.timm.architectures import VARIANTS
from varlaw.subjects.timm.averages import AVERAGES
from varlaw.subjects.timm.blocks import BLOCKS
from varlaw.subjects.timm.framework import architectures, timm, utils
from varlaw.subjects.timm.initialisers import INITIALISERS, LAYERS
from varlaw.subjects.timm.left_out import LEFT_OUT
from varlaw.subjects.timm.models import model
from varlaw.subjects.timm.norms import NORMS
from varlaw.subjects.timm.optimisers import OPTIMISERS
from varlaw.subjects.timm.regularisers import CLIPPERS, DROPOUTS

SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS,
    *LAYERS,
    *NORMS,
    *DROPOUTS,
    *CLIPPERS,
    *ACTIVATIONS,
    *GATED,
    *BLOCKS,
    *AVERAGES,
    *OPTIMISERS,
    *(model(name) for name in VARIANTS),
)

_LAYERS = ("*Norm*", "*norm*", "*[Dd]rop*", "*init*", "trunc_normal*", "lecun*", "*StdConv*")


def PUBLIC() -> set[str]:
    """Every module of timm.models that registers models, and what draws, normalises, drops and clips beside them."""
    layers = {n for pattern in _LAYERS for n in fnmatch.filter(vars(timm().layers), pattern) if _called(n)}
    clips = {n for n, f in vars(utils()).items() if "clip" in n and inspect.isfunction(f)}
    return (
        {f"timm.{name}" for name in architectures()}
        | {f"timm.layers.{name}" for name in layers}
        | {f"timm.utils.{name}" for name in clips}
    )


def _called(name: str) -> bool:
    return not name.startswith("_") and callable(getattr(timm().layers, name))


__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]
