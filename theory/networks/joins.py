"""Where signals meet: residual adds, and merges of branches by sum, product (gates) and concatenation.

Branches of one input end in weights of their own, so that two of them are independent given it: means multiply, second
moments multiply in a gate and add up in a sum, with twice the product of the means.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from varlaw.theory.networks.signals import Backward, Signal


class Branch(NamedTuple):
    """What one branch makes of the input: its signal, how much of ln |h|^2 it inherits, its gain on gradients."""

    signal: Signal
    slope: float  # d ln |branch|^2 / d ln |input|^2
    gain: float = 1.0
    noise: float = 0.0  # what it adds to the variance of the log squared gradient


def join(h: Signal, branch: Signal, rise: float, scale: float, own: float) -> Signal:
    """h + scale * f(h): `own` is the branch's spread from an input without spread, `rise` that from a unit one."""
    square = scale * scale * branch.second_moment
    total = h.second_moment + square
    kept, added = (h.second_moment / total, square / total) if total else (1.0, 0.0)
    inherited = (kept + added * math.sqrt(max(rise - own, 0.0))) ** 2 * h.spread
    cross = 4 * kept * added / min(h.width, branch.width)
    return Signal(
        second_moment=total,
        covariance=h.covariance + scale * scale * branch.covariance,
        mean=h.mean + scale * branch.mean,
        spread=inherited + added**2 * own + cross,
        width=min(h.width, branch.width),
        positions=_both(h.positions, branch.positions, 0.0, scale * scale),
        elsewhere=_both(h.elsewhere, branch.elsewhere, 0.0, scale * scale),
    )


def _both(a: float | None, b: float | None, cross: float, factor: float = 1.0) -> float | None:
    return None if a is None or b is None else a + factor * b + cross


def merged(by: str, h: Signal, branches: Sequence[Branch]) -> tuple[Signal, Backward]:
    """Branches of `h` merged by "add", "product" or "concat"."""
    after, gain = MERGES[by]([b.signal for b in branches], [b.gain for b in branches])
    shares = _shares(by, [b.signal for b in branches])
    inherited = sum(s * b.slope for s, b in zip(shares, branches, strict=True)) ** 2 * h.spread
    own = sum(s * s * b.signal.spread for s, b in zip(shares, branches, strict=True))
    noise = sum(b.noise for b in branches) / len(branches)
    return replace(after, spread=inherited + own + _meeting(by, [b.signal for b in branches], shares)), Backward(
        gain, noise
    )


def _shares(by: str, signals: Sequence[Signal]) -> list[float]:
    """d ln |merged|^2 / d ln |branch|^2."""
    if by == "product":
        return [1.0] * len(signals)
    sizes = [s.second_moment * (s.width if by == "concat" and math.isfinite(s.width) else 1.0) for s in signals]
    total = sum(sizes)
    return [size / total if total else 0.0 for size in sizes]


def _meeting(by: str, signals: Sequence[Signal], shares: Sequence[float]) -> float:
    """Spread that the meeting itself makes: units of a finite width that happen to agree."""
    width = min(s.width for s in signals)
    if by == "concat":
        return 0.0
    pairs = [(i, j) for i in range(len(signals)) for j in range(i)]
    if by == "product":
        return sum((signals[i].kurtosis - 1) * (signals[j].kurtosis - 1) for i, j in pairs) / width
    return sum(4 * shares[i] * shares[j] for i, j in pairs) / width


def _at_most(by: str, signals: Sequence[Signal]) -> float:
    """The spread of signals that met, whatever they share: standard deviations of dependent terms add up at most."""
    shares = _shares(by, signals)
    together = sum(s * math.sqrt(max(h.spread, 0.0)) for s, h in zip(shares, signals, strict=True)) ** 2
    return together + _meeting(by, signals, shares)


def added(signals: Sequence[Signal], gains: Sequence[float]) -> tuple[Signal, float]:
    """The sum of independent signals."""
    found = signals[0]
    for other in signals[1:]:
        cross = 2 * found.mean * other.mean
        found = Signal(
            second_moment=found.second_moment + other.second_moment + cross,
            covariance=found.covariance + other.covariance + cross,
            mean=found.mean + other.mean,
            spread=_at_most("add", [found, other]),
            width=min(found.width, other.width),
            positions=_both(found.positions, other.positions, cross),
            elsewhere=_both(found.elsewhere, other.elsewhere, cross),
        )
    return found, sum(gains)


def multiplied(signals: Sequence[Signal], gains: Sequence[float]) -> tuple[Signal, float]:
    """The product of independent signals, unit by unit: each gradient is weighed by the others."""
    found = signals[0]
    for other in signals[1:]:
        found = Signal(
            second_moment=found.second_moment * other.second_moment,
            covariance=found.covariance * other.covariance,
            mean=found.mean * other.mean,
            spread=_at_most("product", [found, other]),
            width=min(found.width, other.width),
            kurtosis=found.kurtosis * other.kurtosis,
            positions=_times(found.positions, other.positions),
            elsewhere=_times(found.elsewhere, other.elsewhere),
        )
    rest = [math.prod(s.second_moment for s in signals[:i] + signals[i + 1 :]) for i in range(len(signals))]  # type: ignore[operator]
    return found, sum(g * r for g, r in zip(gains, rest, strict=True))


def _times(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


def concatenated(signals: Sequence[Signal], gains: Sequence[float]) -> tuple[Signal, float]:
    """Signals side by side: means weighed by their widths."""
    widths = [s.width if math.isfinite(s.width) else 1.0 for s in signals]
    total = sum(widths)

    def mean(values: Sequence[float]) -> float:
        return sum(w * v for w, v in zip(widths, values, strict=True)) / total

    second = mean([s.second_moment for s in signals])
    fourth = mean([s.kurtosis * s.second_moment**2 for s in signals])
    spaced = all(s.positions is not None for s in signals)
    found = Signal(
        second_moment=second,
        covariance=mean([s.covariance for s in signals]),
        mean=mean([s.mean for s in signals]),
        spread=_at_most("concat", signals),
        width=sum(s.width for s in signals),
        kurtosis=fourth / second**2 if second else 3.0,
        positions=mean([s.positions or 0.0 for s in signals]) if spaced else None,
        elsewhere=mean([s.far for s in signals]) if spaced else None,
    )
    return found, sum(gains)


MERGES = {"add": added, "product": multiplied, "concat": concatenated}
