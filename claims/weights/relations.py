"""Parts of tensors that have no entry in common, in pairs, and the sums of their statistic over instances.

Instances come stacked, a row each, for most are small: a pair takes as many of them as its number of entries asks for.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.subject import Case

Floats = NDArray[np.float64]

BEFORE = "{} of the instance before"
_WIDEST = 1 << 14  # entries of one tensor that are looked at
_SPLITS = (2, 3, 4)  # parts of one tensor, along its first and its last axis
_GATES = range(2, 9)  # blocks of the hidden size that a packed tensor may hold
_AT_ONCE = 1 << 16  # entries of instances that are held together


class Pair(NamedTuple):
    """Two vectors, cut to one length, with the sums of their statistic over instances."""

    products: float = 0.0
    squares: float = 0.0  # of the products
    n: int = 0
    sides: tuple[float, float] = (0.0, 0.0)  # squares of each

    @property
    def correlation(self) -> float:
        """Of the two, about 0."""
        return self.products / math.sqrt(max(math.prod(self.sides), 1e-300))

    @property
    def statistic(self) -> float:
        """T, whose size has sub-Gaussian tails of variance 1 when the two are unrelated."""
        return self.products / math.sqrt(self.squares) if self.squares else 0.0


class Place(NamedTuple):
    """The i-th of `of` equal parts of a tensor along an axis."""

    name: str
    axis: int = 0
    i: int = 0
    of: int = 1

    def cut(self, stacked: Floats) -> Floats:
        """The part in each of the instances, a row each."""
        if self.of > 1:
            stacked = np.split(stacked, self.of, axis=self.axis + 1)[self.i]
        return stacked.reshape(len(stacked), -1)[:, :_WIDEST]


class _Alike:
    """Pairs that are cut to one length, with all their sums at once: those of products are a product of matrices."""

    def __init__(self, pairs: Sequence[tuple[str, str]], length: int) -> None:
        self.pairs, self.length = pairs, length
        self.labels = list(dict.fromkeys(itertools.chain.from_iterable(pairs)))
        at = {label: i for i, label in enumerate(self.labels)}
        self._one, self._other = np.array([[at[one], at[other]] for one, other in pairs]).T
        self.n = np.zeros(len(pairs), dtype=np.int64)
        self._sums = np.zeros((4, len(pairs)))

    def wanted(self, needed: float) -> int:
        """Instances until every pair has as many entries as are needed."""
        return math.ceil(max(needed - int(self.n.min()), 0.0) / max(self.length, 1))

    def update(self, parts: Mapping[str, Floats], needed: float) -> None:
        """Take instances into account, no more of them than are needed; the last row of each part is the newest."""
        rows = min((len(parts[label]) for label in self.labels if label in parts), default=0)
        count = min(rows, self.wanted(needed))
        x = np.zeros((len(self.labels), count, self.length))
        for of, label in zip(x, self.labels, strict=True):
            if label in parts:
                of[:] = parts[label][len(parts[label]) - rows :][:count, : self.length]
        there = np.array([label in parts for label in self.labels])
        both = there[self._one] & there[self._other]
        flat = x.reshape(len(x), -1)
        products, squares = flat @ flat.T, np.square(flat) @ np.square(flat).T
        pair, one, other = (self._one, self._other), (self._one, self._one), (self._other, self._other)
        self._sums += both * np.stack([products[pair], squares[pair], products[one], products[other]])
        self.n += both * flat.shape[1]

    def sums(self) -> Iterator[tuple[tuple[str, str], Pair]]:
        """Every pair with its sums."""
        for pair, n, (products, squares, *sides) in zip(
            self.pairs, self.n.tolist(), self._sums.T.tolist(), strict=True
        ):
            yield pair, Pair(products, squares, n, (sides[0], sides[1]))


class Relations:
    """The pairs among the tensors of a layer and with those of the instance before, known from the first instance."""

    def __init__(self, shapes: Mapping[str, Sequence[int]], case: Case) -> None:
        self._places = {label: place for label, place, _ in places(shapes, case)}
        self._before = {BEFORE.format(name): name for name, shape in shapes.items() if math.prod(shape)}
        self._entries = sum(map(math.prod, shapes.values()))
        self._last: dict[str, Floats] = {}
        sizes = {label: min(size, _WIDEST) for label, _, size in places(shapes, case)}
        groups: dict[tuple[bool, int], list[tuple[str, str]]] = {}
        for one, other in separate(self._places):
            groups.setdefault((False, min(sizes[one], sizes[other])), []).append((one, other))
        for label, name in self._before.items():
            groups.setdefault((True, sizes[f"{name}|"]), []).append((f"{name}|", label))
        self._groups = [_Alike(pairs, length) for (_, length), pairs in groups.items()]
        self.count = sum(len(group.pairs) for group in self._groups)

    def wanted(self, needed: float) -> int:
        """How many more instances pairs ask for that have fewer entries than needed, as many as are held together."""
        most = max((group.wanted(needed) for group in self._groups), default=0)
        return min(most, max(1, _AT_ONCE // max(1, self._entries)))

    def update(self, stacked: Mapping[str, Floats], needed: float) -> None:
        """Take instances into account; each tensor holds all of them along its first axis."""
        short = [group for group in self._groups if group.wanted(needed)]
        labels = dict.fromkeys(label for group in short for label in group.labels)
        parts = {label: part for label in labels if (part := self._cut(label, stacked)) is not None}
        for group in short:
            group.update(parts, needed)
        self._last = {name: x[-1:] for name, x in stacked.items()}

    def pairs(self) -> dict[tuple[str, str], Pair]:
        """Every pair with its sums."""
        return dict(pair for group in self._groups for pair in group.sums())

    def _cut(self, label: str, stacked: Mapping[str, Floats]) -> Floats | None:
        """The part of that label in each instance; of what came before, none for the first of all."""
        if label in self._places:
            place = self._places[label]
            return place.cut(stacked[place.name]) if place.name in stacked else None
        name = self._before[label]
        if name not in stacked:
            return None
        last, now = self._last.get(name), stacked[name]
        known = [last] if last is not None and last.shape[1:] == now.shape[1:] else []
        earlier = np.concatenate([*known, now[:-1]])
        return Place(name).cut(earlier) if len(earlier) else None


def places(shapes: Mapping[str, Sequence[int]], case: Case) -> Iterator[tuple[str, Place, int]]:
    """Whole tensors, the blocks of the hidden size that they pack, and their halves, thirds and quarters.

    Each with its label, the tensor's name, a bar, and where it lies; and with the number of its entries.
    """
    hidden = {case[key] for key in ("hidden_size", "embed_dim") if key in case}
    for name, shape in shapes.items():
        size, rank = math.prod(shape), len(shape)
        yield f"{name}|", Place(name), size
        for axis in {0, rank - 1} if rank else set():
            side = shape[axis]
            gates = {side // h for h in hidden if h and side % h == 0} & set(_GATES)
            for k in sorted({*gates, *(k for k in _SPLITS if side % k == 0)}):
                kind = "gate" if k in gates else "part"
                for i in range(k if size // k > 1 else 0):
                    yield f"{name}|{kind} {i + 1} of {k} along axis {axis}", Place(name, axis, i, k), size // k


def separate(labels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs without an entry in common: whole tensors, gates of all tensors, parts of one tensor in one cut."""
    cuts: dict[str, list[str]] = {}
    for label in labels:
        name, _, place = label.partition("|")
        kind, _, cut = place.partition(" of ")
        cuts.setdefault(f"{name}: {cut}" if kind.startswith("part") else cut, []).append(label)
    for alike in cuts.values():
        yield from itertools.combinations(alike, 2)
