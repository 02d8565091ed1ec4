"""A watched run as it stands in its file: its steps and events, and its text with a line of blocks for each number."""

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence

import msgspec

from varlaw.diagnose.records import Diagnosis, Finding
from varlaw.diagnose.watching.records import End, Event, Header, Line, Step
from varlaw.reports.model.text import diagnosed
from varlaw.reports.texts import plain

_BLOCKS = " ▁▂▃▄▅▆▇█"
_CURVES = ("loss", "gradient", "update")


class Run(msgspec.Struct, kw_only=True):
    """All lines of a run, and the symptoms that its findings add up to."""

    header: Header | None = None
    steps: list[Step] = []  # msgspec copies it
    events: list[Event] = []
    ended: bool = False
    diagnoses: list[Diagnosis] = []

    @property
    def name(self) -> str:
        """Of the run."""
        return plain(self.header.name) if self.header else "empty"

    @property
    def wrong(self) -> int:
        """How many findings violate."""
        return sum(e.finding.outcome == "VIOLATES" for e in self.events)


def read(lines: Iterable[Line], diagnoses: Callable[[Sequence[Finding]], list[Diagnosis]]) -> Run:
    """The run of these lines; one that was started again goes on where the one before ended."""
    run = Run()
    offset = 0
    for line in lines:
        match line:
            case Header():
                run.header, run.ended = line, False
                offset = run.steps[-1].step if run.steps else 0
            case Step():
                line.step += offset
                run.steps.append(line)
            case Event():
                run.events.append(msgspec.structs.replace(line, step=line.step + offset))
            case End():
                run.ended = True
    run.diagnoses = diagnoses([e.finding for e in run.events])
    return run


def render(run: Run, width: int = 80) -> str:
    """The run as text."""
    shown = [f"{run.name}: {len(run.steps)} steps{'' if run.ended else ', not ended'}"]
    for name in _CURVES:
        shown += _curve(name, [getattr(step, name) for step in run.steps], width)
    for event in run.events:
        shown += _event(event, width)
    shown += diagnosed(run.diagnoses, width)
    counts = {0: "nothing is wrong in what was seen", 1: "1 violates"}
    shown.append(counts.get(run.wrong, f"{run.wrong} violate"))
    return "\n".join(shown)


def _event(event: Event, width: int) -> list[str]:
    one = event.finding
    head = f"step {event.step:<7} {one.outcome} {one.signal} ({one.kind})  {', '.join(map(plain, one.where[:4]))}"
    says = textwrap.wrap(plain(one.says), width, initial_indent="    ", subsequent_indent="      ")
    return textwrap.wrap(head, width, subsequent_indent="    ") + says


def _curve(name: str, values: Sequence[float | None], width: int) -> list[str]:
    """The logs of the values as blocks, their means a column, between their own ends."""
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
