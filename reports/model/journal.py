"""A watched run as text: how far it is, loss and gradient as a line of blocks, and every event with its step."""

import math
import textwrap
from collections.abc import Iterable, Sequence

from varlaw.diagnose.watching.records import End, Event, Header, Line, Step
from varlaw.reports.words import plain

_BLOCKS = " ▁▂▃▄▅▆▇█"


def render(lines: Iterable[Line], width: int = 80) -> tuple[str, bool]:
    """The text, and whether anything violates."""
    header: Header | None = None
    steps: list[Step] = []
    events: list[Event] = []
    ended = False
    for line in lines:
        match line:
            case Header():
                header = line
            case Step():
                steps.append(line)
            case Event():
                events.append(line)
            case End():
                ended = True
    name = plain(header.name) if header else "empty"
    shown = [f"{name}: {len(steps)} steps{'' if ended else ', not ended'}"]
    shown += _curve("loss", [s.loss for s in steps], width) + _curve("gradient", [s.gradient for s in steps], width)
    for event in events:
        one = event.finding
        head = f"step {event.step:<7} {one.outcome} {one.signal} ({one.kind})  {', '.join(map(plain, one.where[:4]))}"
        shown += textwrap.wrap(head, width, subsequent_indent="    ")
        shown += textwrap.wrap(plain(one.says), width, initial_indent="    ", subsequent_indent="    ")
        shown += textwrap.wrap(
            f"try {'; '.join(one.remedies)}", width, initial_indent="    ", subsequent_indent="      "
        )
    wrong = sum(e.finding.outcome == "VIOLATES" for e in events)
    shown.append(f"{wrong} violate" if wrong else "nothing is wrong in what was seen")
    return "\n".join(shown), bool(wrong)


def _curve(name: str, values: Sequence[float | None], width: int) -> list[str]:
    """The logs of the values as blocks, their medians a column, between their own ends."""
    known = [math.log(v) for v in values if v is not None and v > 0]
    if len(known) < 2:
        return []
    columns = width - 34
    size = max(1, -(-len(known) // columns))
    means = [sum(known[i : i + size]) / len(known[i : i + size]) for i in range(0, len(known), size)]
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    drawn = "".join(_BLOCKS[1 + round((m - low) / span * (len(_BLOCKS) - 2))] for m in means)
    return [f"{name:9}{drawn} {math.exp(known[0]):.3g} to {math.exp(known[-1]):.3g}"]
