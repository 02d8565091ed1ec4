"""Parameters as they start: written at all, drawn apart from each other, like their peers, and as expected.

Values come from fresh models: one shows bits, a second shows what depends on the seed, and small tensors take all
draws. Every statement with chance in it says its alpha; the share of each is that of the report over the tensors asked.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose.records import Finding, Tensor, Written
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Use

Floats = NDArray[np.float32]

BEGINNING = 1 << 16  # entries of a second draw that are kept, and of pairs that are compared
_AGREE = 2 / 3  # share of a role's members that make its law


@dataclass(frozen=True)
class Values:
    """The values of one model: parameters by name, `again` the first entries of a second draw where there is one."""

    first: Mapping[str, Floats]
    again: Mapping[str, Floats] | None
    draws: Sequence[Mapping[str, Floats]]  # further draws of the small ones


def pattern(name: str) -> str:
    """A name with its numbers left out: all blocks of a stack have one."""
    return re.sub(r"\d+", "*", name)


def uninitialised(tensors: Mapping[str, Tensor], values: Values, written: Sequence[Written]) -> list[Finding]:
    """Parameters and buffers that hold memory nobody wrote, or are still on the meta device."""
    shares = {w.name: w.unwritten for w in written}
    found = [
        finding("init.uninitialised", "VIOLATES", "is on the meta device: it has no values", name)
        for name, t in tensors.items()
        if t.meta
    ]
    for name, x in values.first.items():
        meant = np.isinf(x) if tensors[name].buffer else False  # a mask, or the range of what was not seen yet
        bad = shares.get(name, 0.0) or float(1 - (np.isfinite(x) | meant).mean() if x.size else 0.0)
        if bad:
            what = "was never written" if shares.get(name) else "is not finite"
            count = "all of it" if bad == 1 else f"{bad:.2g} of it"
            found.append(finding("init.uninitialised", "VIOLATES", f"{count} {what}", name, observed=bad))
    return found


# -- peers -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Size:
    """ln of a second moment with its standard error; None where all entries are zero."""

    name: str
    log: float | None
    error: float


def peers(
    tensors: Mapping[str, Tensor], values: Values, uses: Mapping[str, Use], delta: float, alpha: float
) -> list[Finding]:
    """Members of one role whose scale is not that of most of them; a scale that changes with depth is no odd one.

    uses: what a parameter is used by, and what takes its result: the last norm of a branch is none of the others.
    """
    found = []
    groups = [g for g in _roles(tensors, values, uses) if len(g) > 2]
    for group in groups:
        sizes = [_size(name, values) for name in group]
        found += _unlike(sizes, delta, alpha / max(1, len(groups)))
    return found


def _roles(tensors: Mapping[str, Tensor], values: Values, uses: Mapping[str, Use]) -> list[list[str]]:
    """Names that differ in numbers alone, of one use, in modules of one class whose tensors have the same shapes.

    So have those that one operation takes with them: a bias may be drawn by the fan of its weight.
    """
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for name, t in tensors.items():
        shapes.setdefault(name.rpartition(".")[0], []).append(t.shape)
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, x in values.first.items():
        t = tensors[name]
        if not t.buffer and np.isfinite(x).all():
            use = uses.get(name, Use("", "", ()))
            kin = (
                *sorted(shapes[name.rpartition(".")[0]]),
                *sorted(tensors[n].shape for n in use.together if n in tensors),
            )
            groups.setdefault((pattern(name), t.shape, t.module, kin, use.op, use.behind), []).append(name)
    return list(groups.values())


def _size(name: str, values: Values) -> _Size:
    draws = [values.first[name], *(d[name] for d in values.draws if name in d)]
    n, squares, fourth = 0, 0.0, 0.0
    for x in draws:
        square = np.square(np.ravel(x), dtype=np.float64)
        n, squares, fourth = n + x.size, squares + float(square.sum()), fourth + float(square @ square)
    if squares == 0:
        return _Size(name, None, 0.0)
    kurtosis = fourth * n / squares**2
    return _Size(name, math.log(squares / n), math.sqrt(max(kurtosis - 1, 0.0) / n))


def _unlike(sizes: Sequence[_Size], delta: float, alpha: float) -> list[Finding]:
    zeros = [s for s in sizes if s.log is None]
    drawn = [s for s in sizes if s.log is not None]
    if zeros and drawn and len(zeros) != len(sizes):
        odd = zeros if len(zeros) < len(drawn) else drawn
        if len(odd) > (1 - _AGREE) * len(sizes) or _named_apart(odd, sizes):
            return []
        says = "is all zero, its peers are not" if odd is zeros else "is drawn, its peers are all zero"
        return [finding("init.peers", "VIOLATES", f"{says} ({len(sizes)} of one role)", *(s.name for s in odd))]
    if len(drawn) < 3:
        return []
    centre = median(s.log for s in drawn if s.log is not None)
    limit = -NormalDist().inv_cdf(alpha / (2 * len(drawn)))
    typical = median(s.error for s in drawn) / math.sqrt(len(drawn)) * 1.26  # of a median
    odd = [
        s
        for s in drawn
        if abs((s.log or 0.0) - centre) > max(2 * math.log1p(delta), limit * math.hypot(s.error, typical))
    ]
    if not odd or len(odd) > (1 - _AGREE) * len(drawn) or _named_apart(odd, drawn):
        return []  # none, or a scale that changes with depth, or with a place in the block
    return [_odd(s, centre, len(sizes), alpha) for s in odd]


def _named_apart(odd: Sequence[_Size], members: Sequence[_Size]) -> bool:
    """Whether a name in a block tells the odd ones: conv1 of every block against conv2, where blocks are numbered."""
    names = {s.name for s in odd}
    those, others = (
        [re.sub(r"(?<![^.])\d+(?![^.])", "*", s.name) for s in members if (s.name in names) is is_odd]
        for is_odd in (True, False)
    )
    repeated = len(those) + len(others) > len({*those, *others})
    return repeated and not {*those} & {*others}


def _odd(size: _Size, centre: float, members: int, alpha: float) -> Finding:
    ratio = math.exp(((size.log or 0.0) - centre) / 2)
    says = f"its rms is x{ratio:.4g} of that of its peers ({members} of one role)"
    return finding(
        "init.peers", "VIOLATES", says, size.name, expected=math.exp(centre / 2),
        observed=math.exp((size.log or 0.0) / 2), ratio=ratio, alpha=alpha,
    )  # fmt: skip


# -- new rows ----------------------------------------------------------------------------------------------------------


def new_rows(names: Sequence[str], values: Values, delta: float, alpha: float) -> list[Finding]:
    """Embedding tables whose last rows have another scale than those before them."""
    found = []
    for name in names:
        x = values.first.get(name)
        if x is None or x.ndim != 2 or len(x) < 16:
            continue
        cut, ratio, surprise = _change(x)
        if surprise > -math.log(alpha / len(names)) + math.log(len(x)) and abs(math.log(ratio)) > math.log1p(delta):
            says = f"rows {cut} to {len(x) - 1} have x{ratio:.3g} the rms of those before"
            risk = alpha / len(names)
            found.append(finding("embedding.new", "VIOLATES", says, name, ratio=ratio, samples=x.size, alpha=risk))
    return found


def _change(x: Floats) -> tuple[int, float, float]:
    """Where the scale of rows changes: the cut with the largest likelihood ratio, new over old rms, and its nats.

    Rows of zeros (padding) are left out; entries count as normal, whose ratio is the least generous of light tails.
    """
    every = np.einsum("ij,ij->i", x, x).astype(np.float64)
    keep = np.flatnonzero(every)
    squares = every[keep]
    n, width = len(keep), x.shape[1]
    if n < 16:
        return 0, 1.0, 0.0
    before, total = np.cumsum(squares)[:-1], squares.sum()
    k = np.arange(1, n)
    old, new = before / (k * width), (total - before) / ((n - k) * width)
    with np.errstate(divide="ignore", invalid="ignore"):
        nats = 0.5 * width * (n * np.log(total / (n * width)) - k * np.log(old) - (n - k) * np.log(new))
    nats[k < n // 2] = -np.inf  # new rows are fewer than old ones
    best = int(np.nanargmax(nats))
    return int(keep[best + 1]), float(np.sqrt(new[best] / old[best])), float(nats[best])
