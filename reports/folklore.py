"""The page of popular claims: what each says, what the law makes of it, and the number that shows it."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

from varlaw.reports.lawbook import address
from varlaw.reports.pages import ALONE, Bar, template

PAGE: Final = "folklore.html"


@dataclass(frozen=True, kw_only=True)
class FolkText:
    """One popular claim as texts and numbers, handed in by whoever knows the theory."""

    claim: str
    finding: str  # confirmed, corrected or refuted
    law: str
    case: dict[str, object]
    popular: float | None  # the law's number as the claim would have it
    number: float
    truth: str


def page(claims: Sequence[FolkText], laws: Container[str], bar: Bar = ALONE) -> str:
    """The page of all claims; those about a law in `laws` link to its page."""
    order = {"refuted": 0, "corrected": 1, "confirmed": 2}
    rows = sorted(claims, key=lambda c: order.get(c.finding, len(order)))
    counts = {name: sum(c.finding == name for c in rows) for name in order}
    addresses = {c.law: address(c.law) for c in rows if c.law in laws}
    return template("folklore.html.j2").render(bar=bar.at("Folklore"), rows=rows, counts=counts, addresses=addresses)
