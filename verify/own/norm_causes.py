"""What is wrong with a norm: the wrong norm, among those that people write, whose every entry it gives."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product, starmap
from typing import Any

import numpy as np

from varlaw.claims.claim import Trial
from varlaw.claims.norms.normalisation import Rows, rows_of
from varlaw.evidence.budget import policy
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Floats, Norm
from varlaw.subjects.yours import Layout

_DIVIDED = {
    "root": "",
    "product": "x is multiplied by the root of its second moment, by which it should be divided",
    "variance": "x is divided by the variance, not by its root",
    "nothing": "x is not divided by its standard deviation",
}
_EPS = {"inside": "", "outside": "eps stands outside the root", "none": "eps is missing"}
_ROUNDINGS = 8  # a wrong formula rounds a few times more than a right one


@dataclass(frozen=True)
class Wrong:
    """One way to write a norm: centred or not, n - ddof, where eps is, how x is divided, over which sets.

    `sets` are axes of the user's array, a number of groups, or None for the norm's own; of every n-th channel below 0.
    """

    centred: bool
    ddof: int = 0
    eps: str = "inside"
    divided: str = "root"
    sets: tuple[int, ...] | int | None = None


def cause(subject: Norm, layout: Layout, probe: Floats, case: dict[str, Any], dtype: str, kind: str) -> str:
    """What the norm does differently, in words; "" where none of the ways fits.

    Where eps was measured on a norm that is wrong it fits nothing: then numbers of a std of 1 decide alone.
    """
    stds = (1.0, max(case["eps"] ** 0.5, 1e-3))
    seen = [_seen(subject, probe * std + std / 2, dtype) for std in stds]
    centred = subject.op != "rms_norm"
    ways = [*starmap(Wrong, product((centred, not centred), (0, 1), _EPS, _DIVIDED)), *_other_sets(layout, probe)]
    for shown in (seen, seen[:1]):
        fits = [w for w in ways if all(_fits(w, layout, x, y, case, dtype) for x, y in shown)]
        if fits:
            n = rows_of(probe, layout.op, case).shape[1]
            fewest = sorted((_differences(w, centred, kind, n) for w in fits), key=len)[0]
            if fewest:
                return "; ".join(fewest)
    few = FORMATS[dtype].unit > FORMATS["float32"].unit
    if few and _fits(Wrong(centred), layout, *seen[0], case, dtype, kept=True):
        return f"statistics are kept in {dtype}: ordinary inputs come out right but for what that rounds"
    return _factor(seen[0], Wrong(centred), layout, case, dtype)


def fitting(subject: Norm, layout: Layout, probe: Floats, case: dict[str, Any], dtype: str) -> bool:
    """Whether the norm is the right one of this case, where eps matters and where it does not."""
    right = Wrong(subject.op != "rms_norm")
    return all(
        _fits(right, layout, *_seen(subject, probe * std, dtype), case, dtype) for std in (1.0, case["eps"] ** 0.5)
    )


def _factor(seen: tuple[Floats, Floats], right: Wrong, layout: Layout, case: dict[str, Any], dtype: str) -> str:
    """In words by which one number every entry is off; "" where there is no such number."""
    rows, after = (_rows(a, None, layout, case) for a in seen)
    if not after.any():
        return "the output is 0, as of a weight that starts at 0"
    wanted = _normalised(rows, right, case["eps"])
    factor, n = float((after * wanted).sum() / (wanted**2).sum()), rows.shape[1]
    if not (np.abs(after - factor * wanted) <= 256 * FORMATS[dtype].unit * abs(factor)).all():
        return ""
    named = {"1/sqrt(n)": n**-0.5, "sqrt(n)": n**0.5, "1/n": 1 / n, "n": float(n)}
    said = next((f"{name} = " for name, v in named.items() if math.isclose(factor, v, rel_tol=1e-2)), "")
    return f"every entry is {said}{factor:.4g} times what it should be, in sets of n = {n}"


def _seen(subject: Norm, x: Floats, dtype: str) -> tuple[Floats, Floats]:
    rounded = FORMATS[dtype].round_all(x)
    return rounded, subject.apply(rounded, {}, dtype, "cpu")["output"]


def _other_sets(layout: Layout, probe: Floats) -> Iterator[Wrong]:
    """The right norm over other axes, and in other groups."""
    centred, rank = layout.op != "rms_norm", layout.arranged(probe).ndim
    for count in range(1, rank + 1):
        yield from (Wrong(centred, sets=axes) for axes in combinations(range(rank), count))
    if layout.op == "group_norm":
        channels = probe.shape[1]
        yield from (Wrong(centred, sets=g) for g in range(1, channels + 1) if channels % g == 0)
        yield from (Wrong(centred, sets=-g) for g in range(2, channels) if channels % g == 0)


def _fits(
    wrong: Wrong, layout: Layout, x: Floats, y: Floats, case: dict[str, Any], dtype: str, *, kept: bool = False
) -> bool:
    """Whether every entry is what this way gives, but for rounding, also of statistics that are kept in the dtype."""
    sets = _rows(x, wrong.sets, layout, case)
    if sets.shape[1] <= wrong.ddof:
        return False
    with np.errstate(all="ignore"):
        wanted = _normalised(sets, wrong, case["eps"])
    rows = Rows(x, layout.op, Trial(case, dtype, "cpu", policy("pr"), Key("", "cause", ""), dtype_statistics=kept))
    error = _ROUNDINGS * (rows.entry_error + float(rows.statistics_error.max()))
    size = np.abs(wanted) + np.abs(wanted).mean(axis=1, keepdims=True)
    return bool((np.abs(_rows(y, wrong.sets, layout, case) - wanted) <= error * size).all())


def _rows(x: Floats, sets: tuple[int, ...] | int | None, layout: Layout, case: dict[str, Any]) -> Floats:
    if isinstance(sets, int) and sets < 0:  # channels c, c - sets, c - 2 sets, ... together
        batch, channels, length = x.shape
        return x.reshape(batch, channels // -sets, -sets, length).swapaxes(1, 2).reshape(-1, channels // -sets * length)
    if not isinstance(sets, tuple):
        return rows_of(x, layout.op, case if sets is None else {**case, "groups": sets})
    theirs = layout.arranged(x)
    last = np.moveaxis(theirs, sets, range(-len(sets), 0))
    return last.reshape(-1, math.prod(theirs.shape[a] for a in sets))


def _normalised(rows: Floats, wrong: Wrong, eps: float) -> Floats:
    centred = rows - rows.mean(axis=1, keepdims=True) if wrong.centred else rows
    variance = (centred**2).sum(axis=1, keepdims=True) / (rows.shape[1] - wrong.ddof)
    inside, outside = (eps if wrong.eps == place else 0.0 for place in ("inside", "outside"))
    root = np.sqrt(variance + inside) + outside
    factor = {"root": 1 / root, "product": root, "variance": root**-2, "nothing": np.ones_like(root)}[wrong.divided]
    return np.asarray(centred * factor)


def _differences(wrong: Wrong, centred: bool, kind: str, n: int) -> list[str]:
    """In which respects it is not the law's, in words."""
    share = f"{kind} norm off by exactly {n - 1}/{n} in sets of {n}: the variance has n - 1"
    taken = "the mean is not taken off" if centred else "the mean is taken off"
    said = (
        _over(wrong.sets),
        wrong.centred != centred and taken,
        wrong.ddof and share,
        _EPS[wrong.eps],
        _DIVIDED[wrong.divided],
    )
    return [str(text) for text in said if text]


def _over(sets: tuple[int, ...] | int | None) -> str:
    if isinstance(sets, tuple):
        return f"statistics are taken over {'axes' if len(sets) > 1 else 'axis'} {', '.join(map(str, sets))}"
    if sets is not None and sets < 0:
        return f"every {-sets}-th channel is of one group, not channels side by side"
    return "" if sets is None else f"statistics are taken in {sets} group{'s' * (sets > 1)}"
