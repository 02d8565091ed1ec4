"""How a run is set up, seen after some of its steps: an eps that outweighs Adam's moments, norms that stand still."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.modules.batchnorm import _NormBase

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.torch.sampling import local

_MOMENTS = ("exp_avg_sq", "square_avg")  # of Adam and its kin, of RMSprop


_MOST = 0.99  # share of the entries
_FAR = 10.0  # times the root of the second moment
_PATH = 0.05  # length of the way of the weights, of their norm, below which the run is slow by it
_FADED = 0.25  # of the norm of a gain
_STEPS = 200  # that a run is given to get that far


def habits(
    model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer], steps: int, path: float
) -> Iterator[Finding]:
    """What is said after so many steps, in which the weights went so far."""
    found = outweighed(optimizers) if steps >= _STEPS else None
    if found and found.share >= _MOST and found.ratio >= _FAR and path < _PATH:
        says = f"eps = {found.eps:g} is above the root of the second moment of {100 * found.share:.0f} % of the entries"
        slow = f"x{found.ratio:.3g} in the median: updates are smaller by as much"
        numbers = {"observed": found.share, "ratio": found.ratio}
        yield finding("optimizer.eps", "VIOLATES", f"{says}, {slow}", "optimiser", **numbers)
    if names := list(standing(model)):
        says = (
            "takes running statistics of 0 and 1, which no batch ever set: it trains in eval() and normalises nothing"
        )
        yield finding("norm.statistics", "VIOLATES", says, *names)
    if names := list(momentless(model)):
        says = (
            "takes batches in at a momentum of 0: its running mean and variance stay 0 and 1, and eval() has no others"
        )
        yield finding("norm.statistics", "VIOLATES", says, *names)


def decayed(
    model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer], kept: Callable[[str], float], rates: float
) -> Iterator[Finding]:
    """Gains of norms that weight decay took to a quarter; `kept` is the share of a norm that is left."""
    decays = {id(p): decay_of(g) for o in optimizers for g in o.param_groups for p in g["params"]}
    norms = ((name, _gain(module)) for name, module in model.named_modules())
    gains = {f"{name}.weight".lstrip("."): gain for name, gain in norms if gain is not None}
    low = {n: share for n, p in gains.items() if decays.get(id(p)) and (share := kept(n)) <= _FADED}
    decay = max((decays[id(gains[n])] for n in low), default=0.0)
    if decay * rates < -math.log(_FADED) / 2:
        return  # there are none, or it was not decay that took them
    left, alone = max(low.values()), math.exp(-decay * rates)
    says = f"gains of {len(low)} norms fell to x{left:.2g} or less of what they were"
    why = f"rate x decay sums to {decay * rates:.2g}, which alone leaves x{alone:.2g}"
    yield finding("weight.shrinks", "VIOLATES", f"{says}; {why}", *low, law="decay.decoupled", ratio=left)


def decay_of(group: dict[str, Any]) -> float:
    """What a unit of the rate takes from a weight in the end; momentum repeats what SGD adds to the gradient."""
    return float(group.get("weight_decay", 0.0)) / (1 - min(float(group.get("momentum", 0.0)), 0.999))


def _gain(module: torch.nn.Module) -> torch.Tensor | None:
    """The gains of a norm, known by its name and its one vector: norms that others wrote are as many as torch's.

    Read as a parameter: where a weight is computed, as that of a spectral norm, reading it would change it.
    """
    weight = module._parameters.get("weight")
    return weight if "norm" in type(module).__name__.lower() and weight is not None and weight.ndim == 1 else None


class Outweighed(NamedTuple):
    """The share of entries whose root of the second moment is below eps, and eps over the median root."""

    eps: float
    share: float
    ratio: float


@torch.no_grad()
def outweighed(optimizers: Sequence[torch.optim.Optimizer]) -> Outweighed | None:
    """Of the entries with a gradient, in a sample of each tensor; None where no optimiser keeps second moments."""
    ratios, eps = [], 0.0
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            eps = max(eps, float(group.get("eps", 0.0)))
            for parameter in group["params"]:
                moment = _second_moment(optimizer.state.get(parameter, {}), group)
                if moment is not None:
                    ratios.append(float(group["eps"]) / moment)
    if not ratios or not (ratio := torch.cat(ratios)).numel():
        return None
    return Outweighed(eps, float((ratio > 1).double().mean()), float(ratio.median()))


def _second_moment(state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor | None:
    """The roots of what a step divides by, without eps; of quantised states nothing is known."""
    found = next((state[name] for name in _MOMENTS if name in state), None)
    if found is None or "eps" not in group or not found.is_floating_point():
        return None
    flat = local(found).reshape(-1)[:4096].float()
    step = float(state.get("step", 1))
    beta = float(group["betas"][1]) if "betas" in group else float(group.get("alpha", 0.0))
    corrected = flat[flat > 0] / (1 - beta**step if "betas" in group else 1.0)
    return corrected.sqrt().cpu()


def standing(model: torch.nn.Module) -> Iterator[str]:
    """Norms that take their running statistics for those of the batch, though no batch ever set them."""
    yield from (name for name, module in _unset(model) if not module.training)


def momentless(model: torch.nn.Module) -> Iterator[str]:
    """Norms that have seen batches, and whose running statistics are what they were made as."""
    yield from (name for name, module in _unset(model) if module.training and module.momentum == 0)


def _unset(model: torch.nn.Module) -> Iterator[tuple[str, _NormBase]]:
    for name, module in model.named_modules():
        if not isinstance(module, _NormBase) or module.running_mean is None:
            continue
        assert module.running_var is not None
        if not module.running_mean.any() and bool((module.running_var == 1).all()):
            yield name, module
