"""Where the first number that is not finite came from: the batch, an operation of the model, or the loss itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from varlaw.diagnose import wiring
from varlaw.diagnose.records import Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.watching.activations import in_order

if TYPE_CHECKING:
    from varlaw.diagnose.torch.replaying import Replayed

_SWOLLEN = 4.0  # times the rms of an earlier batch
_BATCH = "batch"


class Traces(NamedTuple):
    """What a number that is not finite left behind; names of parameters, and of operations of the loss itself."""

    broken: Sequence[str] = ()  # gradients that are not finite, where the loss is
    spoilt: Sequence[str] = ()  # weights that were not finite before the step
    behind: Sequence[str] = ()  # what between the model and its loss may do it


def located(what: str, traces: Traces, seen: "Replayed | None", usual: Sight | None) -> Finding:
    """`loss.nan` with its place: `seen` is the step run again, `usual` a pass before it."""
    broken, spoilt, behind = traces
    calls = seen.sight.calls if seen else []
    if any(c.kind == "input" and c.output and c.output.nonfinite for c in calls):
        return _said(f"{what}, and neither is the batch", _BATCH)
    if spoilt:
        return _said(f"{what}: {spoilt[0]} was not finite before it", *spoilt)
    places, says = ["loss", *behind], what
    made = wiring.ranges(seen.sight, Graph(calls)) if seen else []
    if made:
        places, says = [*made[0].where], f"{what}: {made[0].says}"
    elif broken:  # it came from behind the last of them
        last = in_order(broken, seen.sight)[-1] if seen else broken[-1]
        after = f", and behind it {', '.join(behind)}" if behind else ""
        places, says = [last, *behind], f"{what}, {last} the nearest to the loss{after}"
    elif calls:
        names = f": {', '.join(behind)}" if behind else ""
        says = f"{what}, the model's own numbers are: look at the loss itself{names}"
    times = _swollen(seen.sight, usual) if seen and usual else 0.0
    if times > _SWOLLEN:
        return _said(f"{says}; its input is x{times:.3g} of an earlier one", *places, _BATCH)
    return _said(says, *places)


def _said(says: str, *where: str) -> Finding:
    """A bad batch is the first of the causes where the batch shows it."""
    one = finding("loss.nan", "VIOLATES", says, *where)
    if _BATCH not in where:
        return one
    return msgspec.structs.replace(one, hypotheses=tuple(sorted(one.hypotheses, key=lambda cause: _BATCH not in cause)))


def _swollen(now: Sight, usual: Sight) -> float:
    """How much larger the inputs are than those of an earlier pass, at most."""
    sizes = [
        [c.output.rms for c in sight.calls if c.kind == "input" and c.output is not None] for sight in (now, usual)
    ]
    return max((a / b for a, b in zip(*sizes, strict=False) if b > 0), default=0.0)
