"""Laws and what people say of them as lines of a terminal, for any width: words break between words alone.

At 100 columns and more the list of laws is a table; below, what a law is about stands in a line of its own.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.text import Text

from varlaw.reports.brief import wrapped
from varlaw.reports.folklore import FolkText
from varlaw.theory.law import Law

WIDE: Final = 100
FEW: Final = 8  # laws of which a search shows the formulas
FINDINGS: Final = {"confirmed": "green", "corrected": "yellow", "refuted": "red"}
_LABEL: Final = 12  # columns of the words on the left of a law's statement


def listed(laws: Sequence[Law], width: int) -> Iterator[Text]:
    """The laws by group: the name of each, its quantity, and how exactly it holds."""
    longest = max((len(law.name) for law in laws), default=0)
    for group, members in itertools.groupby(laws, key=lambda law: law.name.partition(".")[0]):
        yield Text(group, style="bold cyan")
        for law in members:
            said = f"{law.quantity} ({law.kind.value})"
            if width >= WIDE and 4 + longest + len(said) <= width:
                yield Text(f"  {law.name:{longest}}  ").append(said)
            else:
                yield Text(f"  {law.name}")
                yield from wrapped(said, width, indent="      ")


def stated(law: Law, width: int) -> Iterator[Text]:
    """One law whole: statement, formula, hypotheses, derivation, source."""
    yield from _headed(law.name, law.title, width)
    rows = {
        "holds": law.kind.value + (f", error {law.error}" if law.error else ""),
        "states": law.quantity,
        "formula": law.formula,
        "not": law.not_to_confuse,
        "assumes": "; ".join(law.hypotheses),
        "domain": "; ".join(f"{name}: {allowed}" for name, allowed in law.domain.ranges.items()),
        "and": "; ".join(relation.text for relation in law.domain.relations),
        "because": law.derivation,
        "seen in": law.statistic,
        "unmeasured": law.unmeasured,
        "digits": law.precision,
        "source": law.source,
    }
    for word, text in rows.items():
        lines = list(wrapped(text, width, indent=" " * (2 + _LABEL)))
        if lines:
            first = Text(f"  {word:{_LABEL}}", style="dim").append(lines[0].plain[2 + _LABEL :], style="default")
            yield from (first, *lines[1:])


def hits(found: Sequence[tuple[Law, str]], width: int) -> Iterator[Text]:
    """Laws that were looked for: the name, the title, and where the words were found; of a few laws the formula too."""
    longest = max(len(law.name) for law, _ in found)
    for law, where in found:
        said = f"{law.title} ({where})"
        if 2 + longest + len(said) <= width:
            yield Text(f"{law.name:{longest}}  {said}")
        else:
            yield Text(law.name)
            yield from wrapped(said, width, indent="    ")
        if len(found) <= FEW:
            yield from wrapped(f"{law.quantity} = {law.formula}", width, "cyan", indent="    ")


def _headed(name: str, title: str, width: int) -> Iterator[Text]:
    if len(name) + 2 + len(title) <= width:
        yield Text.assemble((name, "bold cyan"), "  ", (title, "bold"))
        return
    yield Text(name, style="bold cyan")
    yield from wrapped(title, width, "bold", indent="  ")


def told(claims: Iterable[FolkText], width: int) -> Iterator[Text]:
    """What people say, what it comes to with the number that shows it, and what is true."""
    for claim in claims:
        yield from wrapped(claim.claim, width, "bold", indent="")
        case = ", ".join(f"{name}={value}" for name, value in claim.case.items())
        popular = "" if claim.popular is None or claim.finding == "confirmed" else f", not {claim.popular:.6g}"
        line = f"{claim.finding}: {claim.number:.6g}{popular}, by {claim.law}" + (f" ({case})" if case else "")
        first, *others = wrapped(line, width, indent="  ")
        first.stylize(FINDINGS.get(claim.finding, ""), 2, 2 + len(claim.finding))
        yield from (first, *others)
        yield from wrapped(claim.truth, width, indent="  ")
        yield Text()
