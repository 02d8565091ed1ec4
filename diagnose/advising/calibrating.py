"""Unit variance by measurement, map after map: for activations, merges and inputs that no law describes.

One pass does it: at each linear map the weight is scaled so that its measured E y^2 is the target that the laws give
(see `targets`), and what follows sees the scaled output (the idea of LSUV, Mishkin and Matas 2015). Then fresh batches
test it: rows are a sample, and with their mean m of y^2 and its standard error s, m +- z s must lie within 5 % of the
target's rms. The first map that does not, and whose interval says on which side it is, is scaled again by the mean of
all its rows; one whose interval is too wide to tell is UNDECIDED. z is that of 1e-3, shared by all maps and looks
(normal approximation over rows).

Refused, as scaling would undo its role, is a map that starts at zero, at the identity or a permutation, with entries
that are one number (a filter), or at less than a hundredth of its law at the end of a residual branch, that is frozen,
a table of tokens, too, or asked to be kept.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from varlaw.diagnose.advising.deriving import Chooser
from varlaw.diagnose.advising.looking import Look, batch_of, looked
from varlaw.diagnose.advising.records import Calibrated
from varlaw.diagnose.advising.scope import Scope
from varlaw.diagnose.advising.targets import Target
from varlaw.diagnose.torch import operations
from varlaw.diagnose.torch.building import refuse_lazy
from varlaw.diagnose.torch.measuring import real
from varlaw.diagnose.torch.passing import call
from varlaw.diagnose.torch.restoring import untouched
from varlaw.evidence.streams import Key
from varlaw.theory.domain import printable

DELTA, ALPHA = 0.05, 1e-3
_LOOKS, _ROUNDS = 8, 12
_QUIET = 0.01  # of the scale by law
_MAPS = operations.CONVOLUTIONS | {"linear", "matmul", "mm", "addmm"}


@dataclass
class _Map:
    """What is known of one map while it is calibrated."""

    target: float
    reason: str
    weight: torch.Tensor
    before: float | None = None
    bias: float = 0.0  # E b^2 of its bias
    factor: float = 1.0
    rows: list[float] = field(default_factory=list)  # mean y^2 of each row, since the last scaling
    open: bool = True  # to be scaled in the next pass


class _Scaler(TorchFunctionMode):
    """Scales open maps as they run, and gathers what closed ones make."""

    def __init__(self, maps: dict[int, _Map]) -> None:
        super().__init__()
        self.maps = maps  # by the storage of their weight

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        one = self._map(func, args, kwargs or {}) if isinstance(out, torch.Tensor) else None
        if one is None:
            return out
        squares = _rows(out)
        if one.open:
            one.open = False
            one.before = float(squares.mean()) if one.before is None else one.before
            one.bias = _bias(func, args, kwargs or {})
            factor = _factor(squares.mean().item(), one.target, one.bias)
            if factor is None:
                return out
            one.factor *= factor
            one.weight.data.mul_(factor)
            out = func(*args, **(kwargs or {}))
        else:
            one.rows += squares.tolist()
        return out

    def _map(self, func: Any, args: Any, kwargs: Any) -> _Map | None:
        if operations.name_of(func) not in _MAPS:
            return None
        for tensor in operations.tensors_in((args, kwargs)):
            if tensor.ndim > 1 and (one := self.maps.get(_place(tensor))) is not None:
                return one
        return None


def _place(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _rows(out: torch.Tensor) -> torch.Tensor:
    return real(out).double().square().flatten(1).mean(1) if out.ndim > 1 else real(out).double().square()


def _bias(func: Any, args: Any, kwargs: Any) -> float:
    vectors = [t for t in operations.tensors_in((args, kwargs)) if t.ndim == 1]
    return sum(float(real(v).double().square().mean()) for v in vectors)


def _factor(measured: float, target: float, bias: float) -> float | None:
    """The factor on a weight whose map makes `measured`, of which `bias` is not its own; None where there is none."""
    own, wanted = measured - bias, target - bias
    if not (own > 0 and wanted > 0 and math.isfinite(own)):
        return None
    return math.sqrt(wanted / own)


def calibrated(model: torch.nn.Module, batch: Any, *, keep: Sequence[str] = (), salt: str) -> list[Calibrated]:
    """Scales the maps of a model in place and tests them; see `varlaw.calibrate`."""
    given: Any = model
    if not isinstance(given, torch.nn.Module):
        msg = f"model={printable(model)}, but should be a torch.nn.Module [calibrate]"
        raise TypeError(msg)
    refuse_lazy(model)
    key = Key(salt, f"calibrate:{type(model).__name__}")
    look = looked(model, batch, None, keep, key)
    chooser = Chooser(look.sight, look.graph, look.seconds, Scope(everything=True), look.roles, look.constants)
    chooser.run()
    weights = dict(model.named_parameters())
    tables = {n for c in look.sight.calls if c.kind == "embedding" for n in c.parameters}
    undone = dict.fromkeys(chooser.targets.keys() & tables, "is a table of tokens, too")
    undone |= {n: why for n, t in chooser.targets.items() if (why := _on_purpose(n, t, look, chooser))}
    targets = {n: target for n, target in chooser.targets.items() if n not in undone}
    maps = {_place(weights[n]): _Map(target, why, weights[n]) for n, (target, why, _) in targets.items()}
    _passes(model, batch, maps, key)
    found = {name: _told(name, maps[_place(weights[name])], len(maps)) for name in targets}
    for name, why in (look.roles | undone).items():
        if name in weights and weights[name].ndim > 1:
            found[name] = Calibrated(name=name, outcome="REFUSED", reason=f"{why}: scaling would undo that")
    for name in weights.keys() - found.keys() - tables:
        if weights[name].ndim > 1:
            found[name] = Calibrated(name=name, outcome="REFUSED", reason="no map uses it by itself")
    return [found[name] for name in weights if name in found]


def _on_purpose(name: str, target: Target, look: Look, chooser: Chooser) -> str:
    """Why a weight that no role names starts as it does, where its values show it."""
    if name in look.constants:
        return "is a filter whose entries are one number"
    choice = chooser.choices.get(name)
    quiet = choice is not None and choice.std and (choice.before or 0.0) < _QUIET * choice.std
    return "starts near zero at the end of a branch" if quiet and target.source.startswith("residual.") else ""


def _passes(model: torch.nn.Module, batch: Any, maps: dict[int, _Map], key: Key) -> None:
    """Scales, then looks at fresh batches until every map is decided; the first that fails is scaled by its rows."""
    looks = _LOOKS if callable(batch) and not isinstance(batch, torch.Tensor) else 1
    seeds = _seeds(key)
    _pass(model, batch, maps, next(seeds))
    for _ in range(_ROUNDS):
        for _ in range(looks):
            _pass(model, batch, maps, next(seeds))
            if all(_state(one, len(maps)) == "CONFORMS" for one in maps.values()):
                return
        ordered = list(maps.values())
        place = next((i for i, one in enumerate(ordered) if _away(one, len(maps))), None)
        if place is None:
            return
        _scale(ordered[place])
        for one in ordered[place:]:  # what follows has other inputs now
            one.rows = []


def _away(one: _Map, maps: int) -> bool:
    """Whether a map does not conform, and its interval says on which side it is."""
    low, high = _interval(one, maps)
    return _state(one, maps) != "CONFORMS" and not low <= 1 <= high


def _scale(one: _Map) -> None:
    factor = _factor(sum(one.rows) / len(one.rows), one.target, one.bias) or 1.0
    one.factor *= factor
    one.weight.data.mul_(factor)


def _seeds(key: Key) -> Iterator[int]:
    number = 0
    while True:
        yield key.at(block=number).seed
        number += 1


def _pass(model: torch.nn.Module, batch: Any, maps: dict[int, _Map], seed: int) -> None:
    with untouched(model, seed), torch.no_grad(), _Scaler(maps):
        call(model, batch_of(batch, seed))


def _interval(one: _Map, maps: int) -> tuple[float, float]:
    """Of E y^2 over the target."""
    n = len(one.rows)
    if n < 2:
        return 0.0, math.inf
    mean = sum(one.rows) / n
    error = math.sqrt(sum((r - mean) ** 2 for r in one.rows) / (n - 1) / n)
    away = NormalDist().inv_cdf(1 - ALPHA / (2 * maps * _LOOKS * _ROUNDS)) * error
    return max(mean - away, 0.0) / one.target, (mean + away) / one.target


def _state(one: _Map, maps: int) -> str:
    low, high = _interval(one, maps)
    least, most = (1 + DELTA) ** -2, (1 + DELTA) ** 2
    if least <= low and high <= most:
        return "CONFORMS"
    return "VIOLATES" if high < least or low > most else "UNDECIDED"


def _told(name: str, one: _Map, maps: int) -> Calibrated:
    why = _unscaled(one)
    if why:
        return Calibrated(name=name, outcome="REFUSED", target=one.target, before=one.before, reason=why)
    low, high = _interval(one, maps)
    return Calibrated(
        name=name, outcome=_state(one, maps), target=one.target, before=one.before, after=sum(one.rows) / len(one.rows),
        interval=(low, high), factor=one.factor, rows=len(one.rows), reason=one.reason,
    )  # fmt: skip


def _unscaled(one: _Map) -> str:
    """Why no factor brought a map to its target; empty where one may have."""
    if one.before is None:
        return "no pass ran it"
    if _factor(one.before, one.target, one.bias) is None:
        return (
            f"E y^2 is {one.before:.3g}, {one.bias:.3g} of it the bias's: no factor on the weight makes it the target"
        )
    return "" if one.rows else f"not at its target after {_ROUNDS} rounds"
