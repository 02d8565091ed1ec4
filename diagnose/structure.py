"""The graph of a pass, read without names and without torch: who feeds whom, residual branches, what cuts a gradient.

Calls are numbered in the order in which they ran, so parents come before children.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from varlaw.diagnose.records import Call

_UNCHANGED = frozenset(("dropout", "view"))
_THROUGH = frozenset(("dropout", "view", "norm", "product", "pool"))  # between a branch's last weight and its add


def place(call: Call, calls: Sequence[Call]) -> str:
    """Where a call stands, in the user's words: its module, or the nearest module or parameter before it.

    A function that the model's own forward() calls has no module; what it was given came out of one.
    """
    before = call
    while not before.path and not before.parameters and before.parents:
        made = [p for p in before.parents if calls[p].kind != "input"]
        before = calls[largest(made or before.parents, calls)]
    return before.path or (before.parameters[0] if before.parameters else call.op)


def largest(parents: Sequence[int], calls: Sequence[Call], room: float = math.inf) -> int:
    """The parent that is the signal, and no factor of it: of those with the most entries the largest.

    room: entries that are taken of each at most; a part is cut out of one that has more.
    """
    return max(parents, key=lambda p: (min(one.count, room), one.second) if (one := calls[p].output) else (0, 0.0))


class Residual(NamedTuple):
    """An add of a stream and of a branch that grew out of it."""

    add: int
    stream: int
    branch: int
    weight: int | None  # the call of the branch's last linear map


class Use(NamedTuple):
    """What uses a parameter, the kind of what alone takes the result ("" where several do), and what else it uses."""

    op: str
    behind: str
    together: tuple[str, ...]


class Graph:
    """Children and ancestors of every call."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = calls
        self.children: list[list[int]] = [[] for _ in calls]
        self._ancestors: list[int] = []  # as bits
        for call in calls:
            bits = 0
            for parent in call.parents:
                self.children[parent].append(call.number)
                bits |= self._ancestors[parent] | (1 << parent)
            self._ancestors.append(bits)

    def leads(self, first: int, last: int) -> bool:
        """Whether what `first` made went into `last`."""
        return bool(self._ancestors[last] >> first & 1)

    def users(self) -> dict[str, list[int]]:
        """The calls that use each parameter."""
        found: dict[str, list[int]] = {}
        for call in self.calls:
            for name in call.parameters:
                found.setdefault(name, []).append(call.number)
        return found

    def uses(self) -> dict[str, Use]:
        """How each parameter is used first."""
        first = {name: numbers[0] for name, numbers in self.users().items()}
        behind = {n: self.behind(n) for n in set(first.values())}
        return {
            name: Use(self.calls[n].op, b.kind if (b := behind[n]) else "", self.calls[n].parameters)
            for name, n in first.items()
        }

    def residuals(self) -> list[Residual]:
        """Every add whose one summand is an ancestor of the other, with the linear map that ends the branch."""
        found = []
        for call in self.calls:
            if call.kind != "add" or len(call.parents) != 2:
                continue
            a, b = call.parents
            stream, branch = (a, b) if self.leads(a, b) else (b, a)
            if self.leads(stream, branch):
                found.append(Residual(call.number, stream, branch, self._last_weight(branch, stream)))
        return [r for r in found if r.weight is not None]

    def branch_ends(self) -> frozenset[int]:
        """The calls whose result goes nowhere but, with factors, into the add that ends a residual branch."""
        adds = {r.add for r in self.residuals()}
        chains = ((c.number, list(self.single(c.number, _UNCHANGED | {"product", "other"}))) for c in self.calls)
        return frozenset(number for number, chain in chains if chain and chain[-1].number in adds)

    def _last_weight(self, node: int, stream: int) -> int | None:
        for _ in range(12):
            call = self.calls[node]
            if call.kind in ("linear", "recurrent", "attention") and call.parameters:
                return node
            inside = [p for p in call.parents if self.leads(stream, p) and self.calls[p].kind != "activation"]
            if call.kind not in _THROUGH | {"other", "join", "add"} or not inside:
                return None
            node = inside[-1]
        return None

    def trunk(self, last: int) -> list[int]:
        """The calls through which what reaches `last` passes: none runs beside them, and of summands the larger leads.

        So a residual branch that starts near zero is no part of it, and its stream is.
        """
        way = self._way(last)
        relevant = self._ancestors[last] | (1 << last)
        heirs = [0] * len(self.calls)
        for call in reversed(self.calls[: last + 1]):
            if relevant >> call.number & 1:
                for parent in call.parents:
                    heirs[parent] |= heirs[call.number] | (1 << call.number)
        return [n for n in range(last + 1) if n in way and not relevant & ~(self._ancestors[n] | heirs[n] | (1 << n))]

    def _way(self, last: int) -> set[int]:
        """The calls from a source to `last`, by the main parent of each."""
        way = {last}
        while self.calls[last].parents:
            last = self.before(self.calls[last]).number
            way.add(last)
        return way

    def main(self, parents: Sequence[int]) -> int:
        """The parent that is the signal, and no factor of it."""
        return largest(parents, self.calls)

    def before(self, call: Call) -> Call:
        """The call that made the signal of this one: of two summands the larger."""
        room = call.output.count if call.kind == "add" and call.output else math.inf
        return self.calls[largest(call.parents, self.calls, room)]

    def made_by(self, number: int) -> Call:
        """The last call with parameters by which this signal came, or its source."""
        call = self.calls[number]
        while call.parents and not call.parameters:
            call = self.before(call)
        return call

    def behind(self, number: int) -> Call | None:
        """The next call, past views and dropout, that alone takes what `number` made."""
        return next((c for c in self.single(number, _UNCHANGED) if c.kind not in _UNCHANGED), None)

    def single(self, number: int, through: frozenset[str]) -> Iterator[Call]:
        """The calls behind `number` as long as each has one consumer and is of a kind in `through`."""
        while len(self.children[number]) == 1:
            call = self.calls[self.children[number][0]]
            yield call
            if call.kind not in through:
                return
            number = call.number

    def downstream(self, number: int) -> Iterator[Call]:
        """Every call that what `number` made went into, in order."""
        return (call for call in self.calls[number + 1 :] if self.leads(number, call.number))

    def cut(self, number: int) -> Call | None:
        """The first call on the way from `number` to the end whose output has no graph."""
        return next((call for call in self.downstream(number) if not call.graph), None)
