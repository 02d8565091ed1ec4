"""Fresh instances of one whole model, shared by all its claims: the stream depends on the model, not on the claim."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace, to_device
from numpy.typing import NDArray

from varlaw.claims.claim import NotApplicable, Trial
from varlaw.evidence.decide import SamplerError, Source
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Model, Parameter

Floats = NDArray[np.float64]

_MOST, _FEW = 16, 3  # instances that a decision may draw, of models up to `_SMALL` numbers and above
_SMALL = 1_000_000


class Drawn:
    """Instance i of a model in a case is built once, from the seed of block i, for whoever asks."""

    def __init__(self, subject: Model, trial: Trial) -> None:
        self.subject, self.trial = subject, trial
        self.key = _key(subject, trial)
        self._kept: dict[int, Mapping[str, Any]] = {}
        self.parameters: Mapping[str, Parameter] = subject.parameters(trial.case)
        numbers = sum(math.prod(p.shape) for p in self.parameters.values())
        self.most = _MOST if numbers <= _SMALL else _FEW
        self._guard()

    def instance(self, index: int) -> Mapping[str, Any]:
        """The tensors of instance `index` by name."""
        if index not in self._kept:
            if len(self._kept) > self.most:
                del self._kept[max(self._kept)]  # the first ones are asked for again
            self._kept[index] = self._build(index)
        return self._kept[index]

    def source(self, name: str, keep: Callable[[Floats], Floats] = lambda x: x) -> Source:
        """The entries of one parameter that are promised to be random and that `keep` keeps, a tensor an instance."""
        return _Walk(lambda i: keep(self.entries(name, i)))

    def pooled(self, units: Mapping[str, float]) -> Source:
        """The entries of several parameters at once, each over its own unit."""
        return _Walk(lambda i: np.concatenate([np.ravel(self.entries(n, i)) / u for n, u in units.items()]))

    def entries(self, name: str, index: int) -> Floats:
        """One parameter as float64, without the rows that are promised to be zero."""
        x = floats(self.instance(index)[name])
        rows = self.parameters[name].zero_rows
        return np.delete(x, list(rows), axis=0) if rows else x

    def _build(self, index: int) -> Mapping[str, Any]:
        seed, trial = self.key.at(block=index).seed, self.trial
        (instance,) = self.subject.draws(trial.case, trial.dtype, trial.device, seed, 1)
        return instance

    def _guard(self) -> None:
        """The same seed must give the same model: what is shared between claims is then what each would have drawn."""
        first, again = self.instance(0), self._build(0)
        changed = [n for n in first if not np.array_equal(floats(first[n]), floats(again[n]), equal_nan=True)]
        if changed:
            msg = f"the model gives other values when its seed is used again: {changed[0]}, {len(changed)} in all"
            raise SamplerError(msg)


class _Walk:
    """A source that walks through the instances: each new seed takes the next ones, a known seed the same again."""

    def __init__(self, entries: Any) -> None:
        self._entries = entries
        self._starts: dict[int, int] = {}
        self._next = 0

    def __call__(self, seed: int, count: int) -> Iterable[Any]:
        start = self._starts.setdefault(seed, self._next)
        self._next = max(self._next, start + count)
        return (self._entries(i) for i in range(start, start + count))


# A subject's claims come one after another, each in its few cases and some a second time in another stage.
_KEPT = 4
_kept: dict[Key, Drawn] = {}  # of one subject, the oldest first


def drawn(subject: Model, trial: Trial) -> Drawn:
    """The instances of a model in the trial's case; `NotApplicable` where the installed version has no such model."""
    if any(other.subject is not subject for other in _kept.values()):
        _kept.clear()
    key = _key(subject, trial)
    if key not in _kept:
        if len(_kept) == _KEPT:
            del _kept[next(iter(_kept))]
        try:
            _kept[key] = Drawn(subject, trial)
        except LookupError as reason:
            raise NotApplicable(str(reason)) from reason
    return _kept[key]


def floats(x: Any) -> Floats:
    """Any array as float64 on the host; what is NaN, or the largest integer, stays recognisable as NaN."""
    if isinstance(x, np.ndarray):
        return _marked(x)
    xp = array_namespace(x)
    if xp.isdtype(x.dtype, ("bool", "integral")):
        return _marked(np.asarray(to_device(x, "cpu")))
    return np.asarray(to_device(xp.astype(x, xp.float64), "cpu"))


def _marked(x: NDArray[Any]) -> Floats:
    if x.dtype.kind in "iu":
        return np.where(x == np.iinfo(x.dtype).max, np.nan, x.astype(np.float64))
    return x.astype(np.float64)


def _key(subject: Model, trial: Trial) -> Key:
    """The address of a model's instances: of the claim's own it keeps salt, case, dtype, device and stage."""
    return Key(trial.key.salt, f"model:{subject.name}", trial.key.params, trial.key.stage)
