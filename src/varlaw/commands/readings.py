"""Identified laws as lines of a terminal and as JSON."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from varlaw.identify.records import Identified, Reading

SCHEMA = "varlaw.identify/1"
INDENT = " " * 6
_SUBJECT = 40  # columns of a name; the law behind a longer one stands below it, in the column of the others


def as_json(found: "Sequence[Identified]", salt: str) -> bytes:
    """One object: what was asked under which salt, and every law with its evidence and sums."""
    import msgspec

    record = {"schema": SCHEMA, "varlaw": version("varlaw"), "salt": salt, "identified": list(found)}
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def lines(one: "Identified", *, verbose: bool, heading: str | None = None) -> "Iterator[Text]":
    """The lines of one tensor; before the first one, what was run. Controls in names and errors are written out."""
    from rich.text import Text

    from varlaw.reports.texts import plain

    if heading is not None:
        run = f"varlaw {version('varlaw')} | {one.framework} {one.version}".rstrip()
        yield Text(plain(f"{run} | salt {heading}"), "bold")
        yield Text()
    reading, name, row = one.reading, plain(one.name), Text("  ")
    if len(name) > _SUBJECT:
        yield Text(f"  {name}")
        name = ""
    row.append(name.ljust(_SUBJECT)).append("  ")
    if one.error:
        yield row.append(plain(f"error: {one.error}"), style="bold magenta")
        return
    yield row.append(plain(_law(reading)), style="green" if reading.known else "yellow")
    for text, style in (*_measured(one), *_notes(one, verbose)):
        yield Text(INDENT + plain(text), style=style)


def _law(reading: "Reading") -> str:
    return "several laws" if reading.parts else reading.text


def _measured(one: "Identified") -> Iterator[tuple[str, str]]:
    """The std in the first case, and the law that comes second with how far it is behind."""
    reading, said = one.reading, []
    if reading.family not in ("constant", "identity", "dirac", "fixed") and one.cases:
        said.append(f"std {one.cases[0].std:.4g} of {one.cases[0].shape}")
    if reading.lead is not None and reading.runner_up:
        said.append(f"next best {reading.runner_up}, behind by {nats(reading.lead)}")
    if said:
        yield "; ".join(said), "dim"


def nats(lead: float) -> str:
    """How far one law leads another, in the logarithm of their odds."""
    return "> 1000 nats" if lead > 1000 else f"{lead:.0f} nats"


def _notes(one: "Identified", verbose: bool) -> Iterator[tuple[str, str]]:
    reading = one.reading
    for part in reading.parts:
        yield f"{part.text} in {part.where}", ""
    if reading.reason:
        yield f"{reading.family}: {reading.reason}" if reading.family != "unknown" else reading.reason, "yellow"
    if reading.note:
        yield reading.note, "dim"
    if verbose and reading.same:
        yield f"the same on all cases: {', '.join(reading.same)}", "dim"
    if verbose:
        for case in one.cases:
            shown = " ".join(f"{k}={v}" for k, v in case.case.items())
            mean = case.z1 * case.unit / max(case.n, 1)
            yield f"{shown}: shape {case.shape}, std {case.std:.5g}, mean {mean:.3g}, {case.n} entries", "dim"
