"""Parameters that never moved, and why: exact facts after a number of steps."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding

if TYPE_CHECKING:
    import torch

_WHOLE = 0.5  # of the weights: where so many of them are short and stay what they are, training is lost


class Seen(NamedTuple):
    """What is known of the parameters after some steps."""

    steps: int
    named: Mapping[str, "torch.Tensor"]
    held: Mapping[str, bool]  # by the optimisers: whether a gradient that is not 0 ever came
    gradients: Mapping[str, float]  # norms at the last step
    rate: float | None


def unmoved(still: Sequence[str], count: int, seen: Seen, *, late: bool) -> list[Finding]:
    """What is said of those of `count` parameters that are `still`; most of it only when it is `late`."""
    held = seen.held
    if still and len(still) == count and not held.keys() & set(still):
        says = f"no parameter of the model moved in {seen.steps} steps: the optimiser holds {len(held)} other tensors"
        return [finding("optimizer.stale", "VIOLATES", says, "optimiser", *list(held)[:3])]
    lost = [n for n in still if held.get(n) and n in seen.named and _rounds_away(n, seen)]
    pushed = [n for n in still if held.get(n) and n not in lost]
    found = []
    if late and lost:
        says = f"did not move in {seen.steps} steps: their gradients are so small that rounding takes every update"
        short = [n for n in lost if _short(seen.named[n])]
        whole = sum(seen.named[n].numel() for n in short) > _WHOLE * sum(p.numel() for p in seen.named.values())
        if whole:
            found.append(finding("update.lost", "VIOLATES", says, "all updates", *lost))
        else:
            found.append(finding("weight.still", "NOTE", says, *lost))
    if pushed and (late or seen.rate):
        says = f"did not move in {seen.steps} steps, with gradients that are not 0 and a rate of {seen.rate}"
        found.append(finding("weight.still", "VIOLATES", says, *pushed))
    all_still = len(still) == count and not any(held.values())
    return found + (_unreached(still, seen) if late or all_still else [])


def replaced(names: Sequence[str], steps: int) -> Finding:
    """What is said of tensors that took the place of others since the watch began."""
    says = f"replaced by another tensor by step {steps}: the optimiser holds the old one, and this one is not trained"
    return finding("optimizer.stale", "VIOLATES", says, *names)


def frozen(names: Sequence[str], count: int, step: int) -> Finding:
    """What is said of tensors that an optimiser of `count` holds, and that need no gradient from `step` on."""
    since = "the start" if step == 1 else f"step {step}"
    says = f"{len(names)} of the {count} tensors that the optimiser holds are frozen since {since}"
    return finding("weight.still", "NOTE", says, *names)


def _unreached(still: Sequence[str], seen: Seen) -> list[Finding]:
    """Those that no optimiser holds, and those that no gradient reaches."""
    named, found = seen.named, []
    loose = [n for n in still if n not in seen.held and n in named and named[n].requires_grad]
    if left := [n for n in loose if named[n].grad is not None]:
        says = f"trained by no optimiser in {seen.steps} steps, while gradients are computed for it"
        found.append(finding("weight.still", "VIOLATES", says, *left))
    reached = [n for n in still if n in seen.held and not seen.held[n] and _trained(n, seen)]
    none = [n for n in reached if n in named and named[n].grad is None]
    zero = [n for n in reached if n not in none]
    cancelled = [n for n in zero if _cancelled(n, seen)]
    if left := [n for n in zero if n not in cancelled]:
        found.append(finding("gradient.zero", "VIOLATES", f"no gradient but 0 in {seen.steps} steps", *left))
    if cancelled:
        says = (
            f"no gradient but 0 in {seen.steps} steps, while its weight has one: the loss takes no notice of a constant"
        )
        found.append(finding("gradient.zero", "NOTE", says, *cancelled))
    if none:
        found.append(finding("gradient.none", "VIOLATES", f"no gradient at all in {seen.steps} steps", *none))
    return found


def _cancelled(name: str, seen: Seen) -> bool:
    """Whether it is a bias beside a weight that learns: a difference of two outputs, as a critic's, has none."""
    path, _, own = name.rpartition(".")
    return own == "bias" and seen.held.get(f"{path}.weight".lstrip("."), False)


def _trained(name: str, seen: Seen) -> bool:
    """Whether a parameter is not frozen now: one may hand frozen ones to an optimiser, to thaw them later."""
    return name not in seen.named or seen.named[name].requires_grad


def _short(tensor: "torch.Tensor") -> bool:
    """Whether a tensor is of a format of 16 bits or fewer, where rounding takes what it should not."""
    return tensor.is_floating_point() and tensor.element_size() <= 2


def _rounds_away(name: str, seen: Seen) -> bool:
    """Whether a step along the gradient is below the resolution of the weights, as behind a norm."""
    import torch

    tensor, norm = seen.named[name], seen.gradients.get(name, 0.0)
    if not seen.rate or not tensor.is_floating_point():
        return False
    return bool(seen.rate * norm < torch.finfo(tensor.dtype).eps * torch.linalg.vector_norm(tensor.detach()))
