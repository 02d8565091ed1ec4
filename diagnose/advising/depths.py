"""The way through the model as rows: what each operation made, what theory foresees, before and behind the recipe."""

import math

from varlaw.diagnose.advising.records import Depth
from varlaw.diagnose.foresight import Foresight
from varlaw.diagnose.records import Call, Moments, Sight
from varlaw.diagnose.table import SHOWN


def depths_of(before: Foresight, after: Foresight) -> list[Depth]:
    """One row an operation that shapes the signal; gradients relative to that at the last map with parameters."""
    last = next((c.number for c in reversed(before.sight.calls) if c.kind == "linear" and c.parameters), None)
    return [
        _depth(call, before, after, last)
        for call in before.sight.calls
        if call.kind in SHOWN - {"loss"} and call.output
    ]


def _depth(call: Call, before: Foresight, after: Foresight, last: int | None) -> Depth:
    n, later = call.number, after.sight.calls
    same = later[n] if n < len(later) else None
    foreseen, low, high = map(_root, before.of(n))
    foreseen_after, low_after, high_after = map(_root, after.of(n)) if same else (None,) * 3
    return Depth(
        path=call.path, op=call.op, before=_rms(call.output), foreseen_before=foreseen, low_before=low,
        high_before=high, after=_rms(same.output) if same else None, foreseen_after=foreseen_after,
        low_after=low_after, high_after=high_after, gradient_before=_relative(before.sight, n, last),
        gradient_foreseen=_ahead(after, n, last), gradient_after=_relative(after.sight, n, last),
    )  # fmt: skip


def _rms(moments: Moments | None) -> float | None:
    return _root(moments.second) if moments is not None and not moments.nonfinite else None


def _root(second: float | None) -> float | None:
    return math.sqrt(second) if second is not None and 0 <= second < math.inf else None


def _at_head(sight: Sight, last: int | None) -> float | None:
    return _rms(sight.calls[last].gradient) if last is not None and last < len(sight.calls) else None


def _relative(sight: Sight, number: int, last: int | None) -> float | None:
    here, there = _rms(sight.calls[number].gradient) if number < len(sight.calls) else None, _at_head(sight, last)
    return here / there if here is not None and there else None


def _ahead(ahead: Foresight, number: int, last: int | None) -> float | None:
    """The gradient that theory foresees, relative to the head's as it was measured."""
    here, there = _root(ahead.gradients.get(number)), _at_head(ahead.sight, last)
    return here / there if here is not None and there else None
