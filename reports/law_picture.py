"""A law over its domain as a picture of characters: eight rows of block elements, axes with their ends."""

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from varlaw.theory.law import Law

WIDTH, HEIGHT = 60, 8
_EIGHTHS = " ▁▂▃▄▅▆▇█"


class Sweep(NamedTuple):
    """A law along one of its parameters, the others fixed."""

    name: str
    xs: list[float]
    ys: list[float]  # NaN where the law is not defined or not finite
    fixed: dict[str, Any]


def sweep(law: "Law", given: Mapping[str, Any], points: int = WIDTH) -> Sweep | None:
    """The law along its first free numeric parameter; None where it has none or has no finite value there."""
    from varlaw.theory.domain import Interval

    free = [n for n, r in law.domain.ranges.items() if n not in given and isinstance(r, Interval)]
    for name in free:
        for middle in (0.5, 0.25, 0.75, 0.0):
            fixed = {n: given.get(n, r.at(middle)) for n, r in law.domain.ranges.items() if n != name}
            xs = [law.domain.ranges[name].at(k / (points - 1)) for k in range(points)]
            ys = [_value(law, {**fixed, name: x}) for x in xs]
            if sum(map(math.isfinite, ys)) > points // 4:
                return Sweep(name, xs, ys, fixed)
    return None


def _value(law: "Law", params: dict[str, Any]) -> float:
    try:
        return float(law.value(**params))
    except (ValueError, TypeError, OverflowError):
        return math.nan


def plot(found: Sweep) -> str:
    """The picture: a column for each point, the scale and the two ends of both axes.

    >>> print(plot(Sweep("n", [1.0, 4.0], [1.0, 2.0], {})).splitlines()[0].rstrip())
             2 | █
    """
    finite = [y for y in found.ys if math.isfinite(y)]
    log = min(finite) > 0 and max(finite) > 1e3 * min(finite)
    scaled = [math.log(y) if log and math.isfinite(y) else y for y in found.ys]
    heights = _heights(scaled)
    labels = {0: f"{max(finite):.4g}", HEIGHT - 1: f"{min(finite):.4g}"}
    rows = [
        f"{labels.get(r, ''):>10} |{''.join(_cell(h, HEIGHT - 1 - r) for h in heights)}".rstrip() for r in range(HEIGHT)
    ]
    ends = f"{found.xs[0]:.4g}", f"{found.xs[-1]:.4g}"
    gap = max(1, len(found.xs) - len(ends[0]) - len(ends[1]))
    scales = [word for word, used in (("log scale across", _geometric(found.xs)), ("log scale upwards", log)) if used]
    note = found.name + (f" ({', '.join(scales)})" if scales else "") + _others(found.fixed)
    notes = textwrap.wrap(note, max(len(found.xs), WIDTH // 2), initial_indent=" " * 12, subsequent_indent=" " * 14)
    return "\n".join([*rows, f"{'':>12}{ends[0]}{' ' * gap}{ends[1]}", *notes])


def in_ascii(picture: str) -> str:
    """A picture for a terminal that has no block elements.

    >>> in_ascii("| ▂▅█")
    '| .:#'
    """
    return picture.translate(str.maketrans(_EIGHTHS, " ....:::#"))


def _geometric(xs: list[float]) -> bool:
    """Whether the points are spread evenly in the logarithm."""
    middle = xs[len(xs) // 2]
    return xs[0] > 0 and xs[-1] > 10 * xs[0] and middle < 0.3 * (xs[0] + xs[-1])


def _others(fixed: Mapping[str, Any]) -> str:
    if not fixed:
        return ""
    return "; " + ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in fixed.items())


def _heights(ys: list[float]) -> list[float]:
    """Each value in eighths of a row, from one eighth at the smallest; NaN stays NaN."""
    finite = [y for y in ys if math.isfinite(y)]
    low, span = min(finite), max(finite) - min(finite)
    full = HEIGHT * 8 - 1
    return [1 + full * ((y - low) / span if span else 0.5) if math.isfinite(y) else math.nan for y in ys]


def _cell(height: float, row: int) -> str:
    if math.isnan(height):
        return " "
    return _EIGHTHS[round(min(max(height - 8 * row, 0), 8))]
