"""Parameters that keep their values unless a finding names them, and why."""

import fnmatch
from collections.abc import Iterable, Sequence
from typing import Any

from varlaw.diagnose.records import Sight
from varlaw.theory.domain import printable

FIRM = ("is frozen", "asked to be kept")  # kept even where a finding names them


def roles_of(
    sight: Sight, zeros: Sequence[str], identities: Sequence[str], loaded: Sequence[str], keep: Sequence[str]
) -> dict[str, str]:
    """Parameters that keep their values unless a finding names them, and why."""
    found = dict.fromkeys(zeros, "starts at zero on purpose")
    found |= dict.fromkeys(identities, "starts as the identity, or as a permutation")
    found |= dict.fromkeys(loaded, "was loaded")
    found |= {n: "is frozen" for n, t in sight.tensors.items() if not t.buffer and not t.trainable}
    return found | kept(sight, keep)


def kept(sight: Sight, keep: Sequence[str]) -> dict[str, str]:
    """The parameters that these globs name; each has to name one."""
    given: Any = keep
    if isinstance(given, str) or not isinstance(given, Iterable) or not all(isinstance(glob, str) for glob in given):
        msg = f"keep={printable(keep)}, but should be a list of globs such as ['head.*'] [advise]"
        raise ValueError(msg)
    found = dict[str, str]()
    for glob in keep:
        matched = [n for n, t in sight.tensors.items() if not t.buffer and fnmatch.fnmatchcase(n, glob)]
        if not matched:
            msg = f"keep={glob!r} matches no parameter of the model [advise]"
            raise ValueError(msg)
        found |= dict.fromkeys(matched, "asked to be kept")
    return found
