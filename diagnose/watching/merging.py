"""The files of the processes of one run as those of one: what they share once, parts of a model added up."""

import math
from collections.abc import Iterator, Sequence

from varlaw.diagnose.watching.records import End, Event, Header, Line, Step


def merged(runs: Sequence[Sequence[Line]]) -> Iterator[Line]:
    """The lines of one run from those of each of its processes, in the order of its steps.

    A loss is the mean over processes. Norms are the same in all of them, or the root of the sum of squares where each
    holds a part; where a process ended early, later steps are of those that went on.
    """
    if len(runs) == 1:
        yield from runs[0]
        return
    sharded = any(isinstance(line, Header) and line.sharded for run in runs for line in run)
    yield from [line for run in runs for line in run if isinstance(line, Header)][:1]
    steps: dict[int, list[Step]] = {}
    events: dict[int, dict[tuple[str, tuple[str, ...]], Event]] = {}
    for run in runs:
        for line in run:
            if isinstance(line, Step):
                steps.setdefault(line.step, []).append(line)
            elif isinstance(line, Event):
                events.setdefault(line.step, {}).setdefault((line.finding.signal, line.finding.where), line)
    for number in sorted(steps.keys() | events.keys()):
        if number in steps:
            yield _joined(steps[number], sharded)
        yield from events.get(number, {}).values()
    ends = [line for run in runs for line in run if isinstance(line, End)]
    if len(ends) >= len(runs):
        yield End(steps=max(end.steps for end in ends))


def _joined(steps: Sequence[Step], sharded: bool) -> Step:
    first = steps[0]
    losses = [s.loss for s in steps if s.loss is not None]
    lost = [s.lost for s in steps if s.lost is not None]
    return Step(
        step=first.step, rate=first.rate, backwards=first.backwards, trained=first.trained,
        loss=sum(losses) / len(losses) if losses and not any(s.nonfinite for s in steps) else None,
        nonfinite=any(s.nonfinite for s in steps), given=any(s.given for s in steps),
        gradient=_norm([s.gradient for s in steps], sharded), update=_norm([s.update for s in steps], sharded),
        weight=_norm([s.weight for s in steps], sharded), decay=first.decay,
        between=_norm([s.between for s in steps], sharded), lost=sum(lost) / len(lost) if lost else None,
    )  # fmt: skip


def _norm(norms: Sequence[float | None], sharded: bool) -> float | None:
    known = [n for n in norms if n is not None]
    if not known:
        return None
    return math.sqrt(sum(n * n for n in known)) if sharded else max(known)
