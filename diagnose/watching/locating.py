"""Where the first number that is not finite came from: the batch, an operation of the model, or the loss itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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


def located(
    what: str, broken: Sequence[str], seen: "Replayed | None", usual: Sight | None, behind: Sequence[str]
) -> Finding:
    """`loss.nan` with its place.

    `broken` names gradients that are not finite, where the loss is; `seen` is the step run again, `usual` a pass before
    it, `behind` names the operations between the model and its loss that may do it.
    """
    calls = seen.sight.calls if seen else []
    if any(c.kind == "input" and c.output and c.output.nonfinite for c in calls):
        return _said(f"{what}, and neither is the batch", _BATCH)
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
