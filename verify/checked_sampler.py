"""A user's sampler, checked: it returns an array of the agreed shape and dtype, its own, that depends on the seed."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj

from varlaw.evidence.decide import SamplerError, Source
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.state import float64, native
from varlaw.evidence.streams import Key
from varlaw.theory.domain import printable

Draw = Callable[[tuple[int, ...], int], Any]

_TOLD_APART = 45.0  # nats, so that no two of fifty lawful tensors are equal: eight numbers of bfloat16
_NEIGHBOURS = range(4)  # a user may count seeds up
_BASE = 1_234_567_890  # of 31 bits, as all generators take
_BITS = (7, 15, 23, 30)  # of the base that are turned for tensors of more than _PROBED entries; else each of the 31
_PROBED = 1 << 13
_KEPT = 5  # arrays that are kept, to see whether a sampler takes their memory again: of small tensors


class CheckedSampler:
    """`draw(shape, seed)` as a source of tensors, its faults named.

    Raises `TypeError` and `ValueError` for what is no function, shape or format, and `SamplerError` as soon as the
    function returns something else than was agreed.
    """

    def __init__(self, draw: Any, shape: Any, dtype: Any, name: str) -> None:
        if not callable(draw):
            msg = f"draw={printable(draw)}, but should be a function of a shape and a seed [check]"
            raise TypeError(msg)
        self.draw: Draw = draw
        self.shape, self.name = _checked(shape), name
        agreed = None if dtype is None else str(getattr(dtype, "__name__", dtype)).removeprefix("torch.")
        if agreed is not None and agreed not in FORMATS:
            msg = f"dtype={printable(agreed)}, but should be one of {', '.join(FORMATS)} [check]"
            raise ValueError(msg)
        self.dtype = agreed or format_of(self.array(0))
        if self.dtype not in FORMATS:
            msg = f"{name} returns {self.dtype}, but should return one of {', '.join(FORMATS)}"
            raise SamplerError(msg)
        self._refuse_shared_memory()

    def source(self, convert: Callable[[Any, int], Any] = lambda x, seed: x) -> Source:
        """The function as a `Source`."""

        def tensors(seed: int, count: int) -> Iterator[Any]:
            for i in range(count):
                one = seed_of(seed, i)
                x = self.array(one)
                if format_of(x) != self.dtype:
                    msg = f"{self.name} returns {format_of(x)}, but should return {self.dtype}"
                    raise SamplerError(msg)
                yield convert(x, one)

        return tensors

    def array(self, seed: int) -> Any:
        """The array for one seed, of the agreed shape."""
        x = drawn(self.draw, self.shape, seed, self.name)
        if odd := oddity(x):
            msg = f"{self.name} returns {odd}, but should return an array of shape {self.shape}"
            raise SamplerError(msg)
        if tuple(x.shape) != self.shape:
            msg = f"{self.name} returns shape {tuple(x.shape)}, but should return {self.shape}"
            raise SamplerError(msg)
        if getattr(x, "is_meta", False):
            msg = f"{self.name} returns a tensor on the meta device, which has no values"
            raise SamplerError(msg)
        return native(x)

    @property
    def _small(self) -> bool:
        return math.prod(self.shape) <= 1 << 20

    def refuse_equal_seeds(self, likeliest: float) -> None:
        """Seeds that follow one another, or differ in one bit or digit only, must give other tensors.

        likeliest: the largest probability of one value, by which tensors of few and coarse numbers are equal by chance.
        """
        size = math.prod(self.shape)
        if size * -math.log(max(likeliest, 1e-300)) < _TOLD_APART:
            return
        seen: dict[bytes, int] = {}
        bits = range(31) if size <= _PROBED else _BITS if self._small else ()
        digits = range(2, 10) if size <= _PROBED else ()
        alike = (*(_BASE ^ 1 << bit for bit in bits), *(_BASE - 10**k for k in digits))
        for seed in (*_NEIGHBOURS, *((_BASE, *alike) if alike else ())):
            first = seen.setdefault(float64(self.array(seed)).tobytes(), seed)
            if first != seed:
                msg = f"{self.name} ignores part of its seed: seeds {first} and {seed} give the same values"
                raise SamplerError(msg)

    def _refuse_shared_memory(self) -> None:
        kept = [(x, float64(x).tobytes()) for x in map(self.array, range(_KEPT if self._small else 2))]
        if any(float64(x).tobytes() != before for x, before in kept):
            msg = f"{self.name} writes over the array that it returned before, but should return a new one each time"
            raise SamplerError(msg)


def drawn(draw: Draw, shape: tuple[int, ...], seed: int, name: str) -> Any:
    """What a user's function returns, or raises; generators around it would take StopIteration for an end."""
    try:
        return draw(shape, seed)
    except StopIteration as error:
        msg = f"{name} raises StopIteration at seed {seed}, but should return what was asked for"
        raise SamplerError(msg) from error


def seed_of(block: int, i: int) -> int:
    """The seed that a user's function gets for the tensor at place `i` of a block; every framework takes 32 bits."""
    return Key("", "tensor", "", block=i, stage=block).seed & 0xFFFFFFFF


def oddity(x: Any) -> str:
    """What keeps a thing from being a plain array, in words; "" where nothing does.

    >>> oddity(np.ones(3)), oddity(np.ma.masked_equal([1.0, 2.0], 2.0)), oddity(5)
    ('', 'a masked array', 'int')
    """
    if isinstance(x, np.ma.MaskedArray):
        return "a masked array"
    if isinstance(x, np.matrix):
        return "np.matrix"
    if getattr(x, "is_nested", False):
        return "a nested tensor"
    kind = type(x)
    sparse = kind.__module__.startswith("scipy.sparse") or str(getattr(x, "layout", "torch.strided")) != "torch.strided"
    if sparse:
        return "a sparse array"
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        return kind.__name__
    return "" if is_array_api_obj(x) else f"{kind.__module__}.{kind.__name__}"


def format_of(x: Any) -> str:
    """The name of an array's dtype, whatever its library."""
    return str(x.dtype).removeprefix("torch.")


def _checked(shape: Any) -> tuple[int, ...]:
    sides: list[Any] = list(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else [None]
    if not all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n > 0 for n in sides):
        msg = f"shape={printable(shape)}, but should be a sequence of whole numbers >= 1 [check]"
        raise ValueError(msg)
    return tuple(map(int, sides))
