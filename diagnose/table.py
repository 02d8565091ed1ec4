"""The rows of a report by depth: what each operation made, in the mean over draws, beside what its law foresees."""

import math
from collections.abc import Sequence

from varlaw.diagnose.foresight import Foresight
from varlaw.diagnose.records import Call, Finding, Row, Sight
from varlaw.theory.networks.signals import BAND

SHOWN = frozenset(("embedding", "linear", "recurrent", "attention", "norm", "activation", "add", "loss"))


def rows(sights: Sequence[Sight], found: Sequence[Finding], foresight: Foresight | None = None) -> list[Row]:
    """One row a salient call, with what is foreseen of it from the network's input."""
    return [_row(call, sights, foresight, found) for call in sights[0].calls if call.kind in SHOWN]


def _row(call: Call, sights: Sequence[Sight], foresight: Foresight | None, found: Sequence[Finding]) -> Row:
    seconds = [c.output.second for s in sights if (c := _same(s, call)) and c.output and c.output.second > 0]
    gradients = [c.gradient.second for s in sights if (c := _same(s, call)) and c.gradient and c.gradient.second > 0]
    second = _geometric(seconds)
    law = _geometric([c.step.expected for s in sights if (c := _same(s, call)) and c.step and c.step.expected > 0])
    spread = math.sqrt(2 / (call.step.units * call.step.effective_inputs)) if call.step else None
    ahead, low, high = foresight.of(call.number) if foresight else (None, None, None)
    return Row(
        path=call.path, op=call.op, shape=call.shape, parameters=call.parameters, second=second,
        low=law * math.exp(-BAND * spread) if law and spread else None,
        high=law * math.exp(BAND * spread) if law and spread else None,
        foreseen=ahead, foreseen_low=low, foreseen_high=high,
        foreseen_gradient=foresight.gradients.get(call.number) if foresight and call.gradient else None,
        law=law, gradient=_geometric(gradients),
        findings=tuple(i for i, f in enumerate(found) if {call.path, *call.parameters} & set(f.where)),
    )  # fmt: skip


def _same(sight: Sight, call: Call) -> Call | None:
    return sight.calls[call.number] if call.number < len(sight.calls) else None


def _geometric(values: Sequence[float]) -> float | None:
    finite = [v for v in values if math.isfinite(v) and v > 0]
    return math.exp(sum(map(math.log, finite)) / len(finite)) if finite else None
