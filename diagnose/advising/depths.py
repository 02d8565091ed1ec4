"""The way through the model as rows: what each operation made, what the laws foresee, before and behind the recipe."""

import math

from varlaw.diagnose.advising.profile import Profile
from varlaw.diagnose.advising.records import Depth
from varlaw.diagnose.records import Moments, Sight

_SHOWN = frozenset(("embedding", "linear", "recurrent", "attention", "norm", "activation", "add"))


def depths_of(before: Profile, foreseen: Profile, after: Sight) -> list[Depth]:
    """One row an operation that shapes the signal; gradients relative to that at the last map with parameters."""
    calls = before.sight.calls
    last = next((c.number for c in reversed(calls) if c.kind == "linear" and c.parameters), None)
    rows = []
    for call in calls:
        if call.kind not in _SHOWN or call.output is None:
            continue
        same = after.calls[call.number] if call.number < len(after.calls) else None
        rows.append(
            Depth(
                path=call.path,
                op=call.op,
                before=_rms(call.output),
                foreseen_before=_root(before.forward.get(call.number)),
                foreseen_after=_root(foreseen.forward.get(call.number)),
                after=_rms(same.output) if same else None,
                gradient_before=_relative(before.sight, call.number, last),
                gradient_foreseen=_root(foreseen.backward.get(call.number)),
                gradient_after=_relative(after, call.number, last) if same else None,
            )
        )
    return rows


def _rms(moments: Moments | None) -> float | None:
    return _root(moments.second) if moments is not None and not moments.nonfinite else None


def _root(second: float | None) -> float | None:
    return math.sqrt(second) if second is not None and 0 <= second < math.inf else None


def _relative(sight: Sight, number: int, last: int | None) -> float | None:
    if last is None or last >= len(sight.calls):
        return None
    here, there = _rms(sight.calls[number].gradient), _rms(sight.calls[last].gradient)
    return here / there if here is not None and there else None
