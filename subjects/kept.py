"""Layers of several parameters, built once for all of them: what was drawn is kept for the decisions that follow.

To build a transformer is dear, to read one more of its parameters is not. Nothing is kept outside `Kept.shared`, so
that whoever replaces a function of the framework meets what it draws now.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from varlaw.subjects.framework import Array, Case, Draws

_LIMIT = 256 * 2**20  # bytes that are kept in one process

Instance = Mapping[str, Array]


@dataclass
class _Begun:
    """One stream of instances, as far as it was drawn."""

    more: Iterator[Instance]
    instances: list[Instance] = field(default_factory=list)
    size: int = 0  # bytes

    def draw(self) -> int:
        """Draw one more; returns its bytes."""
        instance = next(self.more)
        self.instances.append(instance)
        grown = sum(getattr(x, "nbytes", 0) for x in instance.values())
        self.size += grown
        return grown


@dataclass
class Kept:
    """Instances of layers as they were drawn, by layer, case, dtype, device and seed; the oldest make room."""

    begun: dict[Any, _Begun] = field(default_factory=dict)
    size: int = 0  # bytes, of all streams that are kept

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Inside, what was drawn before is not drawn again."""
        token = _OPEN.set(self)
        try:
            yield
        finally:
            _OPEN.reset(token)

    def has_room(self, one: _Begun) -> bool:
        """Whether another instance of this stream may be kept, once the streams before it are forgotten."""
        while self.size >= _LIMIT:
            oldest = next(iter(self.begun))
            if self.begun[oldest] is one:
                return False
            self.forget(oldest)
        return True

    def draw(self, address: Any, one: _Begun) -> None:
        """Draw one more instance of a stream; one that has failed is over, and who asks again meets the failure."""
        try:
            grown = one.draw()
        except BaseException:
            self.forget(address)
            raise
        if self.begun.get(address) is one:  # else it made room for others meanwhile
            self.size += grown

    def forget(self, address: Any) -> None:
        """Keep nothing of a stream."""
        found = self.begun.pop(address, None)
        self.size -= found.size if found else 0


_OPEN: ContextVar[Kept | None] = ContextVar("_OPEN", default=None)


def kept(draws: Draws) -> Draws:
    """`draws`, of which an open `Kept` keeps what fits; nothing may stay open between two instances of `draws`."""

    def drawn(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Instance]:
        store = _OPEN.get()
        if store is None:
            yield from draws(case, dtype, device, seed, count)
            return
        address = (draws, json.dumps(dict(case), sort_keys=True), dtype, device, seed)
        one = store.begun.setdefault(address, _Begun(draws(case, dtype, device, seed, 2**62)))
        for i in range(count):
            if i == len(one.instances):
                if not store.has_room(one):
                    yield from itertools.islice(draws(case, dtype, device, seed, count), i, None)
                    return
                store.draw(address, one)
            yield one.instances[i]

    return drawn
