"""The verdicts of a run, however many there are: in memory, or in their file and decoded when they are asked for.

Guarantee: a `Records` never changes, and what a pass over all of them found is kept in `found`, so that the many forms
of one report read a long run a few times only. Its verdicts are settled: what a record file would give back.
"""

import functools
import weakref
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, TypeVar, overload

import msgspec

from varlaw.claims.verdict import Verdict

CACHED: Final = 4096  # verdicts of a file that stay decoded
T = TypeVar("T")


class Records(Sequence[Verdict]):
    """A sequence of verdicts, each made by `get` from its place."""

    def __init__(self, size: int, get: Callable[[int], Verdict]) -> None:
        self._size, self._get = size, get
        self.found: dict[str, Any] = {}

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> Verdict: ...
    @overload
    def __getitem__(self, place: slice) -> list[Verdict]: ...
    def __getitem__(self, place: int | slice) -> Verdict | list[Verdict]:
        chosen = range(self._size)[place]
        return self._get(chosen) if isinstance(chosen, int) else [self._get(k) for k in chosen]

    def __iter__(self) -> Iterator[Verdict]:
        return map(self._get, range(self._size))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # equal to a list, which has none

    def each(self, change: Callable[[Verdict], Verdict]) -> "Records":
        """The verdicts changed one by one, whenever they are asked for."""
        return Records(self._size, lambda place: change(self._get(place)))


def held(verdicts: Sequence[Verdict]) -> Records:
    """The records of verdicts that are in memory."""
    return Records(len(verdicts), verdicts.__getitem__)


class Some(Sequence[Verdict]):
    """Some verdicts of a sequence, by their places: a few bytes each."""

    __slots__ = ("_places", "_whole")

    def __init__(self, whole: Sequence[Verdict], places: "array[int]") -> None:
        self._whole, self._places = whole, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Verdict: ...
    @overload
    def __getitem__(self, place: slice) -> list[Verdict]: ...
    def __getitem__(self, place: int | slice) -> Verdict | list[Verdict]:
        chosen = self._places[place]
        return self._whole[chosen] if isinstance(chosen, int) else [self._whole[k] for k in chosen]

    def __iter__(self) -> Iterator[Verdict]:
        return map(self._whole.__getitem__, self._places)


def once(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """A function of all verdicts whose result is kept with them where they are `Records`."""

    @functools.wraps(function)
    def kept(verdicts: Any) -> T:
        found = getattr(verdicts, "found", None)
        if found is None:
            return function(verdicts)
        name = function.__qualname__
        if name not in found:
            found[name] = function(verdicts)
        result: T = found[name]
        return result

    return kept


def in_file(file: BinaryIO, starts: "array[int]", sizes: "array[int]") -> Records:
    """The verdicts that stand in an open file at these places, each a JSON object; it is closed when they are gone."""

    @functools.lru_cache(maxsize=CACHED)
    def get(place: int) -> Verdict:
        file.seek(starts[place])
        return msgspec.json.decode(file.read(sizes[place]), type=Verdict)

    found = Records(len(starts), get)
    weakref.finalize(found, file.close)
    return found
