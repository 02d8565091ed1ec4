"""Gradients through the steps of a recurrent layer, from its last output back to its first input.

What grows is wrong by itself. What shrinks is held against another start of the same layer on the same rows: the one
that practice calls sound (1/fan_in, zero biases, forget gates at 1) where the author chose the values, and torch's own
where torch did. That torch's own remembers less than the sound start is a note with its number. How far luck may bring
a mean is that of the sound start: what it foresees of its width and steps, or what its draws show if that is more.
"""

import math
from collections.abc import Sequence
from statistics import variance

from varlaw.diagnose import tails
from varlaw.diagnose.flow import BAND
from varlaw.diagnose.records import Call, Finding, Sight, Written
from varlaw.diagnose.signals import finding

_BAND = 2 * math.log(BAND)


def through_time(sights: Sequence[Sight], written: Sequence[Written], alpha: float) -> list[Finding]:
    """Layers whose gradient grows or vanishes over the steps of the batch, and notes on torch's own start."""
    chosen = {w.name for w in written if not w.default}
    found = []
    for call in sights[0].calls:
        gains = [g for s in sights if (g := _gains(s, call)) and all(math.isfinite(x) for x in g.values())]
        if gains and call.parameters:
            found += _judged(call, gains, bool(chosen & set(call.parameters)), alpha)
    return found


def _gains(sight: Sight, call: Call) -> dict[str, float] | None:
    same = sight.calls[call.number] if call.number < len(sight.calls) else None
    return None if same is None else same.options.get("through_time")


def _judged(call: Call, gains: Sequence[dict[str, float]], chosen: bool, alpha: float) -> list[Finding]:
    own, sound = [g["is"] for g in gains], _mean([g["sound"] for g in gains])
    other = sound if chosen else _mean([g["default"] for g in gains])
    mean, (below, above) = _mean(own), _luck(call, gains, alpha)
    low, high = mean - above, mean + below
    if mean > _BAND + max(sound, 0.0):
        outcome = "VIOLATES" if low > _BAND + max(sound, 0.0) else "UNDECIDED"
        return [_finding("gradient.grows", outcome, call, mean, (low, high), gains, sound, alpha)]
    if mean < min(other, 0.0) - _BAND:
        outcome = "VIOLATES" if high < min(other, 0.0) - _BAND else "UNDECIDED"
        return [_finding("gradient.shrinks", outcome, call, mean, (low, high), gains, other, alpha)]
    if mean < min(sound, 0.0) - _BAND:
        return [_finding("gradient.shrinks", "NOTE", call, mean, (low, high), gains, sound, alpha)]
    return []


def _luck(call: Call, gains: Sequence[dict[str, float]], alpha: float) -> tuple[float, float]:
    """How far below and above its expectation the mean of so many sound starts lies at most."""
    dofs = [float(max(call.shape[-1], 1))] * round(gains[0]["steps"])
    seen = variance(g["sound"] for g in gains) if len(gains) > 2 else 0.0
    return tails.away(tails.lowered(dofs, seen), alpha / 2, len(gains))


def _finding(
    name: str, outcome: str, call: Call, mean: float, ends: tuple[float, float], gains: Sequence[dict[str, float]],
    beside: float, alpha: float,
) -> Finding:  # fmt: skip
    says = (
        f"through {gains[0]['steps']:.0f} steps: the gradient at the first input is {_rms(mean)} of that at the last; "
        f"another start on the same rows leaves {_rms(beside)}"
    )
    return finding(
        name, outcome, says, *call.parameters, law="recurrent.time_constant", expected=math.exp(beside / 2),
        observed=math.exp(mean / 2), ratio=math.exp((mean - beside) / 2),
        interval=(math.exp(ends[0] / 2), math.exp(ends[1] / 2)), samples=len(gains), alpha=alpha,
    )  # fmt: skip


def _rms(log_second: float) -> str:
    return f"{math.exp(log_second / 2):.2g}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
