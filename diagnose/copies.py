"""Tensors that hold the same numbers: copied layers, gates and experts, one seed set again, a seed that is ignored."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose.parameters import BEGINNING, Floats, Values, pattern
from varlaw.diagnose.records import Finding, Tensor, Written
from varlaw.diagnose.signals import finding

_NAMED = 8
_LEAP = 5.0  # median steps
_FEWEST = 64  # entries from which a correlation is asked for


def copied(
    tensors: Mapping[str, Tensor], values: Values, written: Sequence[Written], still: frozenset[str], alpha: float
) -> list[Finding]:
    """Tensors with the same bits or with correlated numbers, stacks of equal slices, and seeds that are ignored.

    still: parameters that no gradient moves, as the target of a moving average: they may be copies on purpose.
    """
    every = {n: x for n, x in values.first.items() if _random(x) and not tensors[n].buffer}
    written_at_random = {w.name for w in written if w.drawn}
    drawn = {n: x for n, x in every.items() if n not in still and (_moved(n, x, values) or n in written_at_random)}
    return [
        *_equal(drawn),
        *_correlated(drawn, alpha),
        *_prefixes(drawn, alpha),
        *_slices(drawn),
        *_seedless(every, values, tensors, loaded(written)),
    ]


def loaded(written: Sequence[Written]) -> frozenset[str]:
    """What `load_state_dict` gave its values: it is the same in every model on purpose."""
    return frozenset(w.name for w in written if w.function == "copy_" and w.default)


def shared(tensors: Mapping[str, Tensor]) -> list[Finding]:
    """One set of weights in several numbered places, as of a module multiplied in a list; a tied head is none."""
    found: dict[int, list[str]] = {}
    for name, tensor in tensors.items():
        same = [a for a in tensor.aliases if pattern(a) == pattern(name)]
        if same and len(tensor.shape) > 1:
            found.setdefault(len(same) + 1, []).append(name)
    says = "one tensor in {} numbered places: layers that share their weights"
    return [finding("init.copied", "NOTE", says.format(n), *names[:_NAMED]) for n, names in found.items()]


def redrawn(values: Values) -> frozenset[str]:
    """What is known to be drawn anew by every build: no weights that were loaded."""
    if values.again is None:
        return frozenset()
    return frozenset(n for n, x in values.first.items() if _random(x) and _moved(n, x, values))


def targets(values: Values, still: frozenset[str]) -> frozenset[str]:
    """Parameters that no gradient moves and that start with the bits of others, which one does."""
    shapes = {values.first[n].shape for n in still if n in values.first}
    trained = {_key(x) for n, x in values.first.items() if n not in still and x.shape in shapes}
    return frozenset(n for n in still if n in values.first and _key(values.first[n]) in trained)


def twins(values: Values, still: frozenset[str]) -> frozenset[str]:
    """Parameters that a gradient moves and that start with the bits of others, drawn at random, which none does."""
    keys = {_key(x) for n, x in values.first.items() if n in still and _random(x)}
    return frozenset(n for n, x in values.first.items() if n not in still and _random(x) and _key(x) in keys)


def _key(x: Floats) -> tuple[object, ...]:
    return x.shape, hashlib.blake2b(np.ascontiguousarray(x).data, digest_size=16).digest()


def _moved(name: str, x: Floats, values: Values) -> bool:
    """Whether another seed gives other numbers; yes where there was no other."""
    return values.again is None or name not in values.again or not _as_again(name, x, values.again)


def _as_again(name: str, x: Floats, again: Mapping[str, Floats]) -> bool:
    return np.array_equal(x.ravel()[:BEGINNING], again[name])


def _random(x: Floats) -> bool:
    return bool(x.size > 1 and np.isfinite(x).all() and np.ptp(x) > 0)


def _equal(drawn: Mapping[str, Floats]) -> list[Finding]:
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, x in drawn.items():
        if x.size >= 4:
            groups.setdefault(_key(x), []).append(name)
    same = [names for names in groups.values() if len(names) > 1 and _many_values(drawn[names[0]])]
    alike = {_owner(n) for names in same for n in names if _matrix(n, drawn)}
    apart = {_owner(n) for n in drawn if _matrix(n, drawn)} - alike
    return [_same(names, drawn, apart) for names in same]


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def _matrix(name: str, drawn: Mapping[str, Floats]) -> bool:
    return drawn[name].ndim > 1


def _same(names: Sequence[str], drawn: Mapping[str, Floats], apart: set[str]) -> Finding:
    """Equal tensors; vectors beside matrices that differ do no harm."""
    harmless = not _matrix(names[0], drawn) and {_owner(n) for n in names} <= apart
    says = f"{len(names)} tensors hold the same {drawn[names[0]].size} numbers"
    return finding("init.copied", "NOTE" if harmless else "VIOLATES", says, *names)


def _many_values(x: Floats) -> bool:
    """Drawn, not written down: a table of few values may be the same twice on purpose."""
    sample = x.ravel()[:4096]
    return len(np.unique(sample)) > min(16, len(sample) // 2)


def _correlated(drawn: Mapping[str, Floats], alpha: float) -> list[Finding]:
    """Pairs of one shape whose correlation no luck of alpha over all pairs explains; Fisher's z."""
    shapes: dict[tuple[int, ...], list[str]] = {}
    for name, x in drawn.items():
        if x.size >= _FEWEST and _many_values(x):
            shapes.setdefault(x.shape, []).append(name)
    pairs = sum(math.comb(len(g), 2) for g in shapes.values())
    found = []
    for group in shapes.values():
        for a, b, r in _pairs(group, drawn, alpha / max(1, pairs)):
            if np.array_equal(drawn[a], drawn[b]):
                continue
            found.append(
                finding(
                    "init.copied", "VIOLATES", f"correlation {r:.3g} between the two", a, b, observed=r, alpha=alpha
                )
            )
    return found


def _pairs(group: Sequence[str], drawn: Mapping[str, Floats], alpha: float) -> Iterator[tuple[str, str, float]]:
    rows = np.stack([drawn[name].ravel()[:BEGINNING].astype(np.float64) for name in group])
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    r = rows @ rows.T
    limit = math.tanh(-NormalDist().inv_cdf(alpha / 2) / math.sqrt(max(1, rows.shape[1] - 3)))
    for i, j in zip(*np.nonzero(np.triu(np.abs(r) > limit, 1)), strict=True):
        if abs(float(_steps(rows[i]) @ _steps(rows[j]))) > limit:
            yield group[i], group[j], float(r[i, j])


def _steps(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of neighbours, without the leaps between parts of unlike means: ones beside noise are no copies."""
    steps = np.diff(row)
    end = _LEAP * float(np.median(np.abs(steps)))
    steps = np.clip(steps, -end, end)
    found: NDArray[np.float64] = steps / (np.linalg.norm(steps) or 1.0)
    return found


_PREFIX = 256  # first entries that are compared between tensors of different shapes: one generator that starts anew


def _prefixes(drawn: Mapping[str, Floats], alpha: float) -> list[Finding]:
    """Tensors of different shapes that begin with the same numbers, but for their scale."""
    starts = {n: x.ravel()[:_PREFIX] for n, x in drawn.items() if x.size >= _PREFIX and _many_values(x)}
    if len(starts) < 2:
        return []
    names = list(starts)
    pairs = _pairs(names, starts, alpha / math.comb(len(names), 2))
    apart = [(a, b, r) for a, b, r in pairs if drawn[a].shape != drawn[b].shape]
    return [
        finding("init.copied", "VIOLATES", f"their first entries correlate by {r:.3g}", a, b, observed=r, alpha=alpha)
        for a, b, r in apart
    ]


def _slices(drawn: Mapping[str, Floats]) -> list[Finding]:
    """Experts, gates or heads of one tensor that are equal parts of an axis: 0-63 = 64-127."""
    found = []
    for name, x in drawn.items():
        parts = _repeats(x)
        if parts:
            says = f"its {parts} parts along axis 0 hold the same numbers"
            found.append(finding("init.copied", "VIOLATES", says, name, observed=float(parts)))
    return found


def _repeats(x: Floats) -> int:
    if x.ndim < 2 or not _many_values(x):
        return 0
    for parts in (2, 3, 4, 6, 8, x.shape[0]):
        if parts > 1 and x.shape[0] % parts == 0 and _repeated(x, x.shape[0] // parts, parts):
            return int(parts)
    return 0


def _repeated(x: Floats, size: int, parts: int) -> bool:
    if x[:size].size < 8 or (x.ndim == 2 and size == 1):
        return False
    return np.array_equal(np.tile(x[:size], (parts, *[1] * (x.ndim - 1))), x)


def _seedless(
    drawn: Mapping[str, Floats], values: Values, tensors: Mapping[str, Tensor], given: frozenset[str]
) -> list[Finding]:
    """`given` are the parameters that were loaded; beside them the others may be no draws either."""
    if values.again is None:
        return []
    again = values.again
    same = [n for n, x in drawn.items() if n in again and _as_again(n, x, again) and _many_values(x)]
    trained = [n for n in same if tensors[n].trainable and n not in given]
    if not trained:
        return []
    whole = not given and len(same) == len([n for n in drawn if _many_values(drawn[n])])
    says = (
        "build ignores its seed: two fresh models hold the same numbers"
        if whole
        else "the same numbers in two fresh models"
    )
    return [finding("init.copied", "VIOLATES" if whole else "NOTE", says, *trained[:8])]
