"""Which subjects a word names, for the commands that look at what is there without holding it to a law.

Raises what `session` raises: `NothingSelected`, `CannotRun`.
"""

import re
from collections.abc import Sequence
from typing import Any

from varlaw.subjects import registry
from varlaw.subjects.subject import Subject
from varlaw.verify import presence
from varlaw.verify.session import CannotRun, NothingSelected


def globs(target: str) -> tuple[str, ...]:
    """A framework's name stands for everything below it.

    >>> globs("torch"), globs("torch.nn.*")
    (('torch', 'torch.*'), ('torch.nn.*',))
    """
    return (target,) if re.search(r"[*?\[]", target) else (target, f"{target}.*")


def there(targets: Sequence[str], kinds: tuple[type, ...]) -> tuple[list[Any], list[presence.Absence]]:
    """The subjects of these kinds that the targets name and that can run, and the frameworks that cannot."""
    selected: list[Subject] = []
    for target in targets:
        found = [s for s in registry.select(globs(target)) if isinstance(s, kinds)]
        if not found:
            what = "subject" if object in kinds else "subject with tensors"
            msg = f"no {what} matches {target!r}"
            raise NothingSelected(msg)
        selected += [s for s in found if s not in selected]
    present, absent = presence.there(selected, "cpu", targets)
    if not present:
        raise CannotRun("; ".join(a.reason for a in absent))
    return [s for s in selected if s in present], absent
