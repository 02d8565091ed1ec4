"""Inputs that may be refused: an exception refuses an input only where the subject takes an ordinary one.

What raises there as well is missing or broken, and that is no answer to the claim.
"""

from collections.abc import Callable
from typing import TypeVar

from varlaw.claims.claim import Finding, deterministic
from varlaw.evidence.exact import compare

T = TypeVar("T")


def attempt(odd: Callable[[], T], ordinary: Callable[[], object]) -> T | Finding:
    """What `odd` gives, or the finding that it is refused; where `ordinary` raises, too, so does this."""
    try:
        return odd()
    except Exception as refusal:
        ordinary()
        return nothing_to_measure(f"refused: {type(refusal).__name__}")


def nothing_to_measure(detail: str) -> Finding:
    """A finding that leaves nothing to measure."""
    return deterministic(compare([1.0], [1.0], [0.0]), quantity="", detail=detail)
