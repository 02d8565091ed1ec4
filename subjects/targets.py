"""Which subjects a word names, for the commands that look at what is there without holding it to a law."""

import re
from collections.abc import Sequence
from typing import Any

from varlaw.subjects import registry
from varlaw.subjects.availability import Absence, available
from varlaw.subjects.subject import Subject


class NothingSelected(ValueError):
    """No subject bears a name that was asked for."""


class CannotRun(RuntimeError):
    """What was asked for is not there: a framework that is not installed, a device that is missing."""


def globs(target: str) -> tuple[str, ...]:
    """A framework's name stands for everything below it.

    >>> globs("torch"), globs("torch.nn.*")
    (('torch', 'torch.*'), ('torch.nn.*',))
    """
    return (target,) if re.search(r"[*?\[]", target) else (target, f"{target}.*")


def runnable(targets: Sequence[str], kinds: tuple[type, ...]) -> tuple[list[Any], list[Absence]]:
    """The subjects of these kinds that the targets name and that can run, and the frameworks that cannot.

    Raises `NothingSelected` where a target names none of them, `CannotRun` where none can run.
    """
    selected: list[Subject] = []
    for target in targets:
        found = [s for s in registry.select(globs(target)) if isinstance(s, kinds)]
        if not found:
            what = "subject" if object in kinds else "subject with tensors"
            msg = f"no {what} matches {target!r}"
            raise NothingSelected(msg)
        selected += [s for s in found if s not in selected]
    present, absent = available(selected, "cpu", targets)
    if not present:
        raise CannotRun("; ".join(a.reason for a in absent))
    return [s for s in selected if s in present], absent
