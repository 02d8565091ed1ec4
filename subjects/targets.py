"""Which subjects a word names, for the commands that look at what is there without holding it to a law."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from varlaw.subjects import registry, sources
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


_PLACE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*|.+\.py")


def is_place(target: str) -> bool:
    """Whether a word names no subject but where rows are: package.module:NAME, or a file.

    >>> is_place("mylib.rows:ROWS"), is_place("tests/rows.py"), is_place("torch.nn.Linear")
    (True, True, False)
    """
    return bool(_PLACE.fullmatch(target))


def in_use(target: str, cases: Sequence[Mapping[str, Any]] = (), laws: Mapping[str, str] | None = None) -> list[str]:
    """The names of the rows at a place, which count among the subjects from now on; the place itself has no name.

    cases, laws: of a class or a function that is named itself, and not rows.
    """
    given = {name: value for name, value in (("cases", list(cases)), ("laws", dict(laws or {}))) if value}
    place = f"{target} {json.dumps(given, sort_keys=True)}" if given else target
    sources.use(place)
    return [row.name for row in sources.loaded(sources.Source(place)).rows] or [target]


def runnable(targets: Sequence[str], kinds: tuple[type, ...]) -> tuple[list[Any], list[Absence]]:
    """The subjects of these kinds that the targets name and that can run, and the frameworks that cannot.

    Raises `NothingSelected` where a target names none of them, `CannotRun` where none can run.
    """
    selected: list[Subject] = []
    asked = {target: in_use(target) if is_place(target) else [target] for target in targets}
    named = [name for names in asked.values() for name in names]
    absent = [Absence(whose, fault, error=True) for whose, fault in registry.faults(named)]
    for target, names in asked.items():
        patterns = [glob for name in names for glob in globs(name)]
        found = [s for s in registry.select(patterns) if isinstance(s, kinds)]
        if not found and not registry.faults(names):
            what = "subject" if object in kinds else "subject with tensors"
            msg = f"no {what} matches {target!r}"
            raise NothingSelected(msg)
        selected += [s for s in found if s not in selected]
    present, lacked = available(selected, "cpu", named)
    absent += lacked
    if not present:
        raise CannotRun("; ".join(a.reason for a in absent))
    return [s for s in selected if s in present], absent
