"""From a model, or a function that builds it, and a batch to what was seen: passes, values, who wrote them.

Memory: the model, the activations of one pass and its largest gradient; large parameters are looked at where they lie.
"""

import contextlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from varlaw.diagnose import parameters
from varlaw.diagnose.records import Sight, Written
from varlaw.diagnose.torch import building
from varlaw.diagnose.torch.measuring import whole
from varlaw.diagnose.torch.passing import described
from varlaw.diagnose.torch.passing import seen as look
from varlaw.diagnose.torch.restoring import untouched
from varlaw.evidence.streams import Key

_SMALL = 1 << 17  # entries of a tensor of which every draw is kept
_LOOKS = 2  # passes before it is asked whether more of them could change what is said


@dataclass
class Seen:
    """What was seen of the fresh models."""

    sights: list[Sight] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    values: parameters.Values | None = None  # of the last model, and samples of those before it
    seconds: dict[str, float] = field(default_factory=dict)  # E w^2 of each parameter of the first model
    numbers: int = 0


More = Callable[[Seen], bool]


def looked(build: Any, batch: Any, loss: Any, redraws: Any, device: str | None, key: Key, more: More) -> Seen:
    """What is seen of one model, or of fresh ones; `more` says of passes whether others could change what is said."""
    if isinstance(redraws, bool) or not isinstance(redraws, int) or redraws < 1:
        msg = f"redraws={redraws!r}, but should be a whole number >= 1 [check_model]"
        raise ValueError(msg)
    if isinstance(build, torch.nn.Module):
        return _one_model(build, batch, loss, device, key)
    if not callable(build):
        given = repr(build) if isinstance(build, str | int | float | None) else type(build).__name__
        msg = f"build={given}, but should be a torch.nn.Module or a function that returns one [check_model]"
        raise TypeError(msg)
    return _fresh_models(build, batch, loss, redraws, device, key, more)


def _one_model(model: torch.nn.Module, batch: Any, loss: Any, device: str | None, key: Key) -> Seen:
    building.refuse_lazy(model)
    values = _values(model, _everything)
    if any(p.is_meta for p in model.parameters()):
        return Seen([_unseen(model)], [], parameters.Values(values, None, ()), numbers=_count(model))
    with _on(model, device), untouched(model, key.seed):
        sight = look(model, _batch(batch, key, device), loss, key.seed)
        if any(t.trainable and t.gradient is None for t in sight.tensors.values()):
            _reach(sight, look(model, _batch(batch, key, device), loss, key.at(block=1).seed))
    return Seen([sight], [], parameters.Values(values, None, ()), _seconds(values), _count(model))


@contextlib.contextmanager
def _on(model: torch.nn.Module, device: str | None) -> Iterator[None]:
    """The model on a device, and back where its first parameter was."""
    before = next((p.device for p in model.parameters()), None)
    if device:
        _put(model, device)
    try:
        yield
    finally:
        if device and before is not None:
            model.to(before)


def _fresh_models(build: Any, batch: Any, loss: Any, redraws: int, device: str | None, key: Key, more: More) -> Seen:
    model, written = building.watched(build, key.at(block=0).seed)
    values = _values(model, _small)
    found = Seen(written=written, numbers=_count(model), seconds=_seconds(values))
    if any(p.is_meta for p in model.parameters()):
        found.sights, found.values = [_unseen(model)], parameters.Values(values, None, ())
        return found
    found.values = parameters.Values(_own(values), None, ())
    again = {n: _start(x) for n, x in values.items()} if redraws > 1 else None
    signs, draws, going = _signs(values), [], True
    small = any(np.ptp(x) for x in _own(values).values() if x.size)
    for block in range(redraws):
        if not (going or small or block < _LOOKS):
            break  # no pass is wanted, and large tensors need one draw
        if block:
            draws.append(_own(values))
            del model, values  # before the next one
            model = building.built(build, key.at(block=block).seed)
            values = _values(model, _small)
            signs = _signs(values)
        if going:
            _put(model, device)
            sight = look(model, _batch(batch, key, device), loss, key.at(block=block).seed)
            if not found.sights or _same(sight, found.sights[0]):
                found.sights.append(sight)
            _reach(found.sights[0], sight)
            going = not any(w.unwritten for w in written) and (block + 1 < _LOOKS or more(found))
    if _signs(values) != signs:  # a pass that writes parameters: they are drawn anew
        values = _values(building.built(build, key.at(block=block).seed), _everything)
    found.values = parameters.Values(values, again, draws)
    return found


def _own(values: Mapping[str, parameters.Floats]) -> dict[str, parameters.Floats]:
    """The small tensors, which hold no model alive."""
    return {n: x for n, x in values.items() if x.size <= _SMALL}


def _seconds(values: Mapping[str, parameters.Floats]) -> dict[str, float]:
    return {n: float(np.vdot(x, x)) / x.size for n, x in values.items() if x.size and np.isfinite(x).all()}


def _signs(values: Mapping[str, parameters.Floats]) -> dict[str, int]:
    return {n: _sign(x) for n, x in values.items()}


def _unseen(model: torch.nn.Module) -> Sight:
    return Sight(
        calls=[], tensors=described(model, {}), blind=["the model: parameters on the meta device have no values"]
    )


def _same(sight: Sight, first: Sight) -> bool:
    """Whether two passes took the same way: a router or a coin in the model may choose another."""
    return [c.op for c in sight.calls] == [c.op for c in first.calls]


def _reach(first: Sight, other: Sight) -> None:
    """Notes the gradients of what one pass left out by chance, as layers that are dropped, and another did not."""
    for name, tensor in first.tensors.items():
        arrived = other.tensors[name].gradient if name in other.tensors else None
        if tensor.gradient is None and arrived is not None and arrived.second > 0:
            tensor.gradient = arrived


def _batch(batch: Any, key: Key, device: str | None) -> Any:
    given = _called(batch, key.seed & 0xFFFFFFFF) if callable(batch) and not isinstance(batch, torch.Tensor) else batch
    return _moved(given, device) if device else given


def _called(batch: Callable[[int], Any], seed: int) -> Any:
    try:
        return batch(seed)
    except (Exception, SystemExit) as error:
        name = getattr(batch, "__qualname__", type(batch).__name__)
        msg = f"batch={name} raises {type(error).__name__}: {' '.join(str(error).split())} [check_model]"
        raise ValueError(msg) from error


def _put(model: torch.nn.Module, device: str | None) -> None:
    try:
        if device:
            model.to(device)
    except (RuntimeError, AssertionError) as error:
        msg = f"device={device!r} cannot be used: {' '.join(str(error).split())} [check_model]"
        raise ValueError(msg) from error


def _moved(value: Any, device: str) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {k: _moved(v, device) for k, v in value.items()}
    return type(value)(_moved(v, device) for v in value) if isinstance(value, (tuple, list)) else value


def _values(model: torch.nn.Module, copied: Callable[[torch.Tensor], bool]) -> dict[str, Any]:
    """Float parameters and buffers as NumPy arrays, of their own memory where `copied`."""
    found = {}
    kept = {id(b) for b in model.buffers()}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_meta or not tensor.is_floating_point():
            continue
        plain = whole(tensor).to("cpu", torch.float32) if tensor.numel() else torch.zeros(tensor.shape)
        # memory that NumPy has seen cannot be resized any more, as observers of quantisation do
        found[name] = (plain.clone() if id(tensor) in kept or copied(tensor) else plain).numpy()
    return found


def _everything(tensor: torch.Tensor) -> bool:
    return True


def _small(tensor: torch.Tensor) -> bool:
    return tensor.numel() <= _SMALL


def _start(x: parameters.Floats) -> parameters.Floats:
    """The first entries, in memory of their own."""
    return np.array(np.ravel(x)[: parameters.BEGINNING])


def _sign(x: parameters.Floats) -> int:
    """Bits of a sample of the entries: a pass that writes to a parameter as a whole leaves others."""
    return zlib.crc32(np.ascontiguousarray(np.ravel(x)[:: max(1, x.size // 4096)]).tobytes())


def _count(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
