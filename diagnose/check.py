"""Is a model well set up, before its first step? From a model or a function that builds it to a `ModelRecord`.

Fresh models are built and looked at, one pass of each is seen, and every statement that the table of signals knows is
asked. One alpha covers the whole report; VIOLATES is said only of what is wrong by law.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from varlaw.diagnose import activity, copies, doubling, flow, losses, parameters, wiring
from varlaw.diagnose import expect as expectations
from varlaw.diagnose.folding import folded
from varlaw.diagnose.records import Finding, ModelRecord, Row, Sight, Tensor, Written
from varlaw.diagnose.structure import Graph
from varlaw.evidence.budget import Policy
from varlaw.evidence.budget import policy as policy_of
from varlaw.evidence.streams import SALT, Key, check_salt

if TYPE_CHECKING:
    import torch

_SMALL = 1 << 17  # entries of a tensor of which every draw is kept
# Questions with chance in them, which share the report's alpha: correlated pairs, correlated beginnings, peers, new
# rows, laws expected, signals, gradients, dead units, the first loss.
_FAMILIES = 9
_ORDER = ("VIOLATES", "UNDECIDED", "NOTE", "NOT_APPLICABLE", "CONFORMS")


@dataclass
class _Seen:
    """What was seen of the fresh models."""

    sights: list[Sight] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    values: parameters.Values | None = None
    numbers: int = 0


def examined(
    build: "Callable[[], torch.nn.Module] | torch.nn.Module",
    batch: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    expect: Any = None,
    policy: str = "pr",
    redraws: int = 16,
    device: str | None = None,
    salt: str = SALT,
    name: str | None = None,
) -> ModelRecord:
    """What is seen and found of a model; the arguments are those of `varlaw.check_model`."""
    rule = policy_of(policy)
    check_salt(salt)
    named = name or _name_of(build)
    key = Key(salt, f"check_model:{named}")
    seen = _looked(build, batch, loss, _draws(redraws), device, key)
    graph = Graph(seen.sights[0].calls)
    found, law = _found(seen, graph, expect, rule, key)
    found = folded(found)
    found.sort(key=lambda f: _ORDER.index(f.outcome))
    return ModelRecord(
        name=named, policy=rule.name, salt=salt, draws=len(seen.sights), alpha=rule.alpha, delta=rule.delta,
        versions={name: version(name) for name in ("varlaw", "torch", "numpy")}, numbers=seen.numbers, findings=found,
        rows=_rows(seen.sights, graph, found), tensors=[_plain(t) for t in seen.sights[0].tensors.values()],
        blind=seen.sights[0].blind, loss=seen.sights[0].loss, loss_law=law,
    )  # fmt: skip


def _plain(tensor: Tensor) -> Tensor:
    """A tensor as JSON can hold it: no gradient where that is not finite."""
    lost = tensor.gradient is not None and tensor.gradient.nonfinite
    return msgspec.structs.replace(tensor, gradient=None) if lost else tensor


def _draws(redraws: Any) -> int:
    if isinstance(redraws, bool) or not isinstance(redraws, int) or redraws < 1:
        msg = f"redraws={redraws!r}, but should be a whole number >= 1 [check_model]"
        raise ValueError(msg)
    return redraws


def _name_of(build: Any) -> str:
    name = getattr(build, "__qualname__", None) or type(build).__name__
    return str(name).replace("<lambda>", "model").replace("<locals>.", "")


def _looked(build: Any, batch: Any, loss: Any, redraws: int, device: str | None, key: Key) -> _Seen:
    import torch

    if isinstance(build, torch.nn.Module):
        return _one_model(build, batch, loss, device, key)
    if not callable(build):
        msg = f"build={build!r}, but should be a torch.nn.Module or a function that returns one [check_model]"
        raise TypeError(msg)
    return _fresh_models(build, batch, loss, redraws, device, key)


def _one_model(model: "torch.nn.Module", batch: Any, loss: Any, device: str | None, key: Key) -> _Seen:
    from varlaw.diagnose.torch import building
    from varlaw.diagnose.torch.passing import seen as look
    from varlaw.diagnose.torch.restoring import untouched

    building.refuse_lazy(model)
    values = _values(model)
    if any(p.is_meta for p in model.parameters()):
        return _Seen([_unseen(model)], [], parameters.Values(values, None, ()), _count(model))
    if device:
        _put(model, device)
    with untouched(model, key.seed):
        sight = look(model, _batch(batch, key, device, model), loss, key.seed)
    return _Seen([sight], [], parameters.Values(values, None, ()), _count(model))


def _fresh_models(build: Any, batch: Any, loss: Any, redraws: int, device: str | None, key: Key) -> _Seen:
    from varlaw.diagnose.torch import building
    from varlaw.diagnose.torch.passing import seen as look

    model, written = building.watched(build, key.at(block=0).seed)
    found = _Seen(written=written, numbers=_count(model))
    first, again, draws = _values(model), None, []
    if any(p.is_meta for p in model.parameters()):
        found.sights, found.values = [_unseen(model)], parameters.Values(first, None, ())
        return found
    for block in range(redraws):
        if block:
            model = building.built(build, key.at(block=block).seed)
            values = _values(model)
            again = again or values
            draws.append({n: x for n, x in values.items() if x.size <= _SMALL})
        if device:
            _put(model, device)
        if not any(w.unwritten for w in written) or block == 0:
            sight = look(model, _batch(batch, key, device, model), loss, key.at(block=block).seed)
            if not found.sights or _same(sight, found.sights[0]):
                found.sights.append(sight)
    found.values = parameters.Values(first, again, draws)
    return found


def _unseen(model: "torch.nn.Module") -> Sight:
    from varlaw.diagnose.torch.passing import described

    return Sight(calls=[], tensors=described(model), blind=["the model: parameters on the meta device have no values"])


def _same(sight: Sight, first: Sight) -> bool:
    """Whether two passes took the same way: a router or a coin in the model may choose another."""
    return [c.op for c in sight.calls] == [c.op for c in first.calls]


def _batch(batch: Any, key: Key, device: str | None, model: "torch.nn.Module") -> Any:
    import torch

    given = _called(batch, key.seed & 0xFFFFFFFF) if callable(batch) and not isinstance(batch, torch.Tensor) else batch
    return _moved(given, device) if device else given


def _called(batch: Callable[[int], Any], seed: int) -> Any:
    try:
        return batch(seed)
    except Exception as error:
        msg = f"batch={_name_of(batch)} raises {type(error).__name__}: {' '.join(str(error).split())} [check_model]"
        raise ValueError(msg) from error


def _put(model: "torch.nn.Module", device: str) -> None:
    try:
        model.to(device)
    except (RuntimeError, AssertionError) as error:
        msg = f"device={device!r} cannot be used: {' '.join(str(error).split())} [check_model]"
        raise ValueError(msg) from error


def _moved(value: Any, device: str) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {k: _moved(v, device) for k, v in value.items()}
    return type(value)(_moved(v, device) for v in value) if isinstance(value, (tuple, list)) else value


def _values(model: "torch.nn.Module") -> dict[str, Any]:
    """Float parameters and buffers as NumPy arrays of their own memory where they can be."""
    import torch

    from varlaw.diagnose.torch.measuring import whole

    found = {}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_meta or not tensor.is_floating_point():
            continue
        found[name] = (
            whole(tensor).to("cpu", torch.float32).numpy().copy() if tensor.numel() else np.zeros(tensor.shape)
        )
    return found


def _count(model: "torch.nn.Module") -> int:
    return sum(p.numel() for p in model.parameters())


# -- all that is asked -------------------------------------------------------------------------------------------------


def _found(seen: _Seen, graph: Graph, expect: Any, rule: Policy, key: Key) -> tuple[list[Finding], float | None]:
    sight, values = seen.sights[0], seen.values
    assert values is not None
    tensors = {n: t for n, t in sight.tensors.items() if n in values.first or t.meta}
    alpha = rule.alpha / _FAMILIES
    found = parameters.uninitialised(tensors, values, seen.written)
    flat = frozenset(n for n, x in values.first.items() if x.size > 1 and not np.ptp(x) and x.flat[0] != 0)
    broken = {name for f in found for name in f.where}
    still = wiring.still(sight, graph)
    targets = copies.targets(values, still)
    zeros = frozenset(n for n, x in values.first.items() if x.size and not np.any(x))
    if broken:
        sound = parameters.Values(
            {n: x for n, x in values.first.items() if n not in broken}, values.again, values.draws
        )
        return [
            *found,
            *copies.copied(tensors, sound, seen.written, still, alpha),
            *parameters.unset(tensors, seen.written, _heads(sight)),
        ], None
    found += copies.copied(tensors, values, seen.written, still, alpha)
    found += parameters.peers(tensors, values, graph.uses(), rule.delta, alpha)
    found += parameters.unset(tensors, seen.written, _heads(sight))
    found += _expected(expect, seen, graph, tensors, replace(rule, alpha=alpha), key)
    tables = [n for c in sight.calls if c.kind == "embedding" for n in c.parameters]
    found += parameters.new_rows(list(dict.fromkeys(tables)), values, rule.delta, alpha)
    nonfinite = wiring.ranges(sight, graph)
    found += nonfinite
    found += doubling.doubled(sight, graph) + wiring.adapters(sight, graph) + wiring.unregistered(sight)
    found += wiring.norms(sight, graph, frozenset(n for n, t in tensors.items() if len(t.shape) == 1 and not t.buffer))
    if nonfinite:
        return found, None
    found += flow.signals(seen.sights, graph, alpha) + flow.collapse(seen.sights, _starts_quiet(sight, values))
    found += flow.gradients(seen.sights, graph, alpha)
    found += activity.units(seen.sights, alpha) + activity.attention(seen.sights, graph)
    found += wiring.gradients(sight, graph, zeros, targets) + wiring.symmetric(sight, flat)
    started, law = losses.start(seen.sights, alpha)
    return found + started, law


_QUIET = 0.1


def _starts_quiet(sight: Sight, values: parameters.Values) -> bool:
    """Whether a scale parameter starts at a constant near zero: LayerScale, ReZero, a norm's zero gain."""
    scales = {n for c in sight.calls if c.kind in ("product", "norm") for n in c.parameters[:1]}
    known = [values.first[n] for n in scales if n in values.first and values.first[n].size]
    return any(not np.ptp(x) and abs(float(x.flat[0])) < _QUIET for x in known)


def _heads(sight: Sight) -> frozenset[str]:
    """The parameters of the last linear map of the pass."""
    maps = [c for c in sight.calls if c.kind == "linear" and c.parameters]
    return frozenset(maps[-1].parameters) if maps else frozenset()


def _expected(
    expect: Any, seen: _Seen, graph: Graph, tensors: Mapping[str, Any], rule: Policy, key: Key
) -> list[Finding]:
    if expect is None:
        return []
    from varlaw.diagnose.recipes import as_laws

    assert seen.values is not None
    names = {n: t.shape for n, t in tensors.items() if not t.buffer}
    laws = expectations.laws_of(as_laws(expect, seen.sights[0], graph), names, seen.sights[0], graph)
    defaults = frozenset(w.name for w in seen.written if w.default)
    dtypes = {n: t.dtype for n, t in tensors.items()}
    return list(expectations.judged(laws, seen.values, dtypes, rule, key, defaults))


def _rows(sights: Sequence[Sight], graph: Graph, found: Sequence[Finding]) -> list[Row]:
    """The table by depth: linear maps, norms, activations and adds in the order in which they ran."""
    from varlaw.diagnose.table import rows

    return rows(sights, graph, found)
