"""Which framework's rows live in which module: the one line that a new framework adds."""

import fnmatch
import importlib
import re
from collections.abc import Iterable

from varlaw.subjects.subject import Subject

# First part of the subject names -> module whose `SUBJECTS` holds the rows. Nothing is imported before it is asked for.
MODULES = {
    "varlaw.numpy": "varlaw.subjects.ours_numpy",
    "varlaw.torch": "varlaw.subjects.ours_torch",
    "torch": "varlaw.subjects.torch",
    "keras": "varlaw.subjects.keras",
    "tensorflow": "varlaw.subjects.tensorflow",
    "mlx": "varlaw.subjects.mlx",
    "paddle": "varlaw.subjects.paddle",
    "tinygrad": "varlaw.subjects.tinygrad",
    "jax": "varlaw.subjects.jax",
    "flax": "varlaw.subjects.jax.flax",
    "equinox": "varlaw.subjects.jax.equinox",
    "haiku": "varlaw.subjects.jax.haiku",
    "optax": "varlaw.subjects.jax.optax",
    "transformers": "varlaw.subjects.transformers",
    "peft": "varlaw.subjects.peft",
    "timm": "varlaw.subjects.timm",
}


def subjects(prefix: str) -> tuple[Subject, ...]:
    """All rows of one framework, in the order of its table."""
    rows: tuple[Subject, ...] = importlib.import_module(MODULES[prefix]).SUBJECTS
    return rows


def select(targets: Iterable[str]) -> list[Subject]:
    """The subjects that any of the globs names: a subject itself, one of its tensors, or everything below it.

    >>> [s.name for s in select(["varlaw.numpy.he_normal"])]
    ['varlaw.numpy.he_normal']
    """
    patterns = list(targets)
    rows = [row for prefix in MODULES if any(_reaches(p, prefix) for p in patterns) for row in subjects(prefix)]
    return [row for row in rows if any(fnmatch.fnmatchcase(row.name, p) or _tensor_named(row, p) for p in patterns)]


def named(name: str) -> Subject | None:
    """The subject of exactly that name."""
    there = (row for prefix in MODULES if _reaches(name, prefix) for row in subjects(prefix))
    return next((row for row in there if row.name == name), None)


def _reaches(pattern: str, prefix: str) -> bool:
    """Whether a glob can match a name below `prefix`: rows of other frameworks are then not even imported."""
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return f"{literal}.".startswith(f"{prefix}.") or f"{prefix}.".startswith(literal)


def _tensor_named(row: Subject, pattern: str) -> bool:
    tensors = getattr(row, "tensors", ())
    return any(fnmatch.fnmatchcase(f"{row.name}.{t.name}", pattern) for t in tensors if t.name)
