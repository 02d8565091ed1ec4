"""One popular claim as a row: what people say, what a law makes of it, and the case that shows it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Finding(enum.Enum):
    """What a law makes of a claim."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REFUTED = "refuted"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One popular claim: what it says, what became of it, the law that decides and the case that shows it."""

    slug: str
    claim: str
    finding: Finding
    law: str  # name in the catalogue
    params: Mapping[str, Any]  # the case
    popular: float | None  # the law's number as the claim would have it
    truth: str

    def number(self) -> float:
        """What the law says in this case, computed now."""
        from varlaw.theory.catalogue import LAWS

        return float(LAWS[self.law].value(**self.params))
