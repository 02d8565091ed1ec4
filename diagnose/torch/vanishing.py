"""Initial values that are written to a copy which nothing reads: `init.normal_(w.clone())`, or the weight that a
parametrization computes anew whenever it is asked for.

Who was made from whom is noted by storage while the model is built.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch

_COMPUTED = frozenset(("_weight_norm", "_weight_norm_interface"))  # kept in the module, and computed anew by each pass
_DEEP = 4  # copies of copies that are followed


class Vanished(NamedTuple):
    """A copy that the author initialised: where, and with which operation of the build."""

    where: str
    at: int


class Vanishing:
    """Copies that were written and not read since, by storage."""

    def __init__(self) -> None:
        self._from: dict[int, tuple[int, str]] = {}
        self._written: dict[int, Vanished] = {}

    def noted(self, name: str, read: Iterable[torch.Tensor], out: Any) -> None:
        """An operation that reads tensors; what it made has the first of them as its source."""
        storages = [t.untyped_storage()._cdata for t in read]
        for storage in storages:
            self._written.pop(storage, None)
        made = out[0] if isinstance(out, tuple) else out
        plain = name.removeprefix("aten::")
        if storages and isinstance(made, torch.Tensor) and not plain.endswith("_like") and plain[:4] != "new_":
            self._from.setdefault(made.untyped_storage()._cdata, (storages[0], plain))

    def written(self, tensor: torch.Tensor, where: str, at: int) -> None:
        """The author's initialisation of a tensor."""
        storage = tensor.untyped_storage()._cdata
        if storage in self._from:
            self._written[storage] = Vanished(where, at)

    def of(self, kept: frozenset[int], gone: Any) -> Iterator[tuple[int, Vanished]]:
        """Storages of the model whose copies were initialised for nothing; `gone` says of a storage that it is."""
        for storage, one in self._written.items():
            source, how = self._from[storage]
            if storage in kept or not (how in _COMPUTED or gone(storage)):
                continue
            for _ in range(_DEEP):
                if source in kept:
                    yield source, one
                    break
                if source not in self._from:
                    break
                source = self._from[source][0]
