"""One look at a model for advice: its pass, the scale of every parameter, and which of them keep their values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from varlaw.diagnose import copies
from varlaw.diagnose.advising.roles import roles_of
from varlaw.diagnose.records import Sight
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.torch import building
from varlaw.diagnose.torch.operations import tensors_in
from varlaw.diagnose.torch.passing import seen
from varlaw.diagnose.torch.restoring import untouched
from varlaw.evidence.streams import Key

Build = Callable[[], torch.nn.Module]


@dataclass(frozen=True)
class Look:
    """What was seen of one model."""

    model: torch.nn.Module
    sight: Sight
    graph: Graph
    seconds: dict[str, float]  # E w^2 by name, where it is finite
    roles: dict[str, str]
    constants: frozenset[str]


def batch_of(batch: Any, seed: int) -> Any:
    """The batch itself, or what a function of a seed gives."""
    if isinstance(batch, torch.Tensor) or not callable(batch):
        return _numbers(batch)
    try:
        given = batch(seed & 0xFFFFFFFF)
    except (Exception, SystemExit) as error:
        msg = f"batch raises {type(error).__name__}: {' '.join(str(error).split())} [advise]"
        raise ValueError(msg) from error
    return _numbers(given)


def _numbers(batch: Any) -> Any:
    """The batch; NaN in it would make every layer look wrong."""
    for tensor in tensors_in(batch):
        lost = int(tensor.isnan().sum()) if tensor.is_floating_point() and not tensor.is_meta else 0
        if lost:
            msg = f"batch has {lost} NaN among {tensor.numel()} numbers, but should have none [advise]"
            raise ValueError(msg)
    return batch


def sight_of(model: torch.nn.Module, batch: Any, loss: Any, key: Key) -> Sight:
    """One pass, the model left as it was."""
    with untouched(model, key.seed):
        return seen(model, batch_of(batch, key.seed), loss, key.seed)


def looked(build: Build | torch.nn.Module, batch: Any, loss: Any, keep: Sequence[str], key: Key) -> Look:
    """A fresh model, or the one that is given, seen once."""
    if isinstance(build, torch.nn.Module):
        model, loaded = build, frozenset[str]()
    else:
        model, written = building.watched(build, key.seed)
        loaded = copies.loaded(written)
    sight = sight_of(model, batch, loss, key)
    parameters = dict(model.named_parameters())
    zeros = [n for n, p in parameters.items() if p.numel() and not bool(p.detach().any()) and p.ndim > 1]
    identities = [n for n, p in parameters.items() if _passes_on(p.detach())]
    constants = frozenset(
        n for n, p in parameters.items() if p.numel() and bool((p.detach() == p.detach().flatten()[0]).all())
    )
    roles = roles_of(sight, zeros, identities, sorted(loaded), keep)
    return Look(model, sight, Graph(sight.calls), seconds_of(model), roles, constants)


def stuck_zeros(look: Look, names: Sequence[str]) -> set[str]:
    """Weights and gains of zero on the way of these parameters that get no gradient themselves: nothing moves them."""
    users = look.graph.users()
    calls = [n for name in names for n in users.get(name, [])]
    found = set()
    for name, tensor in look.sight.tensors.items():
        still = tensor.gradient is not None and tensor.gradient.second == 0 and look.seconds.get(name) == 0
        own = users.get(name, []) if still and (len(tensor.shape) > 1 or _gain(name, look)) else []
        if any(a == b or look.graph.leads(a, b) or look.graph.leads(b, a) for a in own for b in calls):
            found.add(name)
    return found


def _gain(name: str, look: Look) -> bool:
    """Whether a vector multiplies: the first parameter of a norm, or a factor."""
    calls = [look.sight.calls[n] for n in look.graph.users().get(name, [])]
    return any(c.kind in ("norm", "product") and c.parameters[:1] == (name,) for c in calls)


def seconds_of(model: torch.nn.Module) -> dict[str, float]:
    """E w^2 of every parameter, under each of its names."""
    found = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        p = parameter.detach()
        second = float(torch.linalg.vector_norm(p.float(), dtype=torch.float64)) ** 2 / max(1, p.numel())
        if p.numel() and second < float("inf"):
            found[name] = second
    return found


def _passes_on(p: torch.Tensor) -> bool:
    """Whether a matrix is the identity, a permutation, or a multiple of one, or a kernel does so to its channels."""
    if p.ndim < 2 or p.shape[0] != p.shape[1] or p.shape[0] < 2:
        return False
    middle = p
    for side in p.shape[2:]:
        middle = middle.select(2, side // 2)
    one = middle[middle != 0]
    alone = len(one) == p.shape[0] == int(p.count_nonzero()) and bool((one == one[0]).all())
    return alone and all(bool((middle != 0).any(axis).all()) for axis in (0, 1))
