"""Clipping of torch gradients, to the law: identity below the limit, the limit above, the direction kept.

`grads` is a sequence of float tensors, None where a parameter has no gradient: `[p.grad for p in model.parameters()]`.
A tensor that occurs twice is one gradient. Norms are summed in float64, or in short blocks of float32 where that is as
good, and scaled where squares would overflow or underflow, so a norm is right wherever it can be written. No epsilon is
added anywhere. Leaves may differ in dtype and device, and may be DTensors, whose norm is that of the whole. Norms are
0-dim float64 tensors on the device of the first leaf.

Entries that are not finite are refused (`nonfinite="raise"`), replaced by zero before anything is measured
(`"zero"`), or make the clip step aside and leave the gradients untouched with their norm, inf or NaN (`"skip"`). Only
`"raise"` waits for an accelerator to finish. A `limit` that is negative or NaN is a `ValueError`; infinity limits
nothing. Functions whose name ends in an underscore write into the gradients they are given; the others never do, and
may return a gradient that needs no clipping as it is. Autograd records nothing.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from varlaw.impl.arguments import choice, number, refuse
from varlaw.impl.clips import POLICIES, listed, slack, unit_axes
from varlaw.impl.torch.gradient_norm import is_plain, norm_of
from varlaw.impl.torch.shards import all_finite, is_sharded, local_part, with_part
from varlaw.impl.torch.shrinking import SMALL_FACTOR, times, unit_norms, unitwise
from varlaw.impl.torch.streams import NAMES, float_tensor, may_ask, name_of, writable, write_

Grads: TypeAlias = Sequence[torch.Tensor | None]


@torch.no_grad()
def global_norm(grads: Grads) -> torch.Tensor:
    """Euclidean norm of all gradients taken as one vector, a 0-dim float64 tensor.

    grads: float tensors, None where a parameter has no gradient; one that occurs twice is one gradient.

    >>> global_norm([torch.tensor([3e30]), torch.tensor([4e30])])
    tensor(5.0000e+30, dtype=torch.float64)
    """
    return norm_of(_unique(_leaves("grads", grads, "global_norm"))).value


@torch.no_grad()
def clip_by_global_norm(
    grads: Grads, limit: float, *, nonfinite: str = "raise"
) -> tuple[list[torch.Tensor | None], torch.Tensor]:
    """All gradients times min(1, limit / norm), and the norm they had.

    grads: float tensors, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> clip_by_global_norm([torch.tensor([3.0, 4.0])], 1.0)
    ([tensor([0.6000, 0.8000])], tensor(5., dtype=torch.float64))
    """
    leaves, norm = _clipped(grads, limit, nonfinite, False, "clip_by_global_norm")
    return leaves, norm


@torch.no_grad()
def clip_by_global_norm_(grads: Grads, limit: float, *, nonfinite: str = "raise") -> torch.Tensor:
    """As `clip_by_global_norm`, written into the gradients; returns the norm they had.

    grads: float tensors, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> g = torch.tensor([3.0, 4.0])
    >>> clip_by_global_norm_([g], 1.0), g
    (tensor(5., dtype=torch.float64), tensor([0.6000, 0.8000]))
    """
    return _clipped(grads, limit, nonfinite, True, "clip_by_global_norm_")[1]


@torch.no_grad()
def clip_per_parameter(
    grads: Grads, limit: float, *, nonfinite: str = "raise"
) -> tuple[list[torch.Tensor | None], list[torch.Tensor]]:
    """Each gradient times min(1, limit / its own norm), and the norms they had (0 for None).

    grads: float tensors, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> clip_per_parameter([torch.tensor([3.0, 4.0])], 1.0)
    ([tensor([0.6000, 0.8000])], [tensor(5., dtype=torch.float64)])
    """
    return _each(grads, limit, nonfinite, False, "clip_per_parameter")


@torch.no_grad()
def clip_per_parameter_(grads: Grads, limit: float, *, nonfinite: str = "raise") -> list[torch.Tensor]:
    """As `clip_per_parameter`, written into the gradients; returns the norms they had.

    grads: float tensors, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> g = torch.tensor([3.0, 4.0])
    >>> clip_per_parameter_([g], 1.0), g
    ([tensor(5., dtype=torch.float64)], tensor([0.6000, 0.8000]))
    """
    return _each(grads, limit, nonfinite, True, "clip_per_parameter_")[1]


@torch.no_grad()
def clip_by_value(grads: Grads, limit: float) -> list[torch.Tensor | None]:
    """Each entry moved into [-limit, limit]; infinities become the limit and NaN stays NaN.

    grads: float tensors, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.

    >>> clip_by_value([torch.tensor([-3.0, 0.5])], 1.0)
    [tensor([-1.0000,  0.5000])]
    """
    ceiling = number("limit", limit, "clip_by_value", low=0.0, infinite=True)
    leaves = _leaves("grads", grads, "clip_by_value")
    return [None if leaf is None else leaf.clamp(*_ends(leaf, ceiling)) for leaf in leaves]


@torch.no_grad()
def clip_by_value_(grads: Grads, limit: float) -> None:
    """As `clip_by_value`, written into the gradients.

    grads: float tensors, None where a parameter has no gradient; one that occurs twice is one gradient.
    limit: at least 0; infinity limits nothing.

    >>> g = torch.tensor([-3.0, 0.5])
    >>> clip_by_value_([g], 1.0)
    >>> g
    tensor([-1.0000,  0.5000])
    """
    ceiling = number("limit", limit, "clip_by_value_", low=0.0, infinite=True)
    for leaf in _unique(_leaves("grads", grads, "clip_by_value_", in_place=True)):
        leaf.clamp_(*_ends(leaf, ceiling))


@torch.no_grad()
def clip_adaptive(
    grads: Grads,
    parameters: Sequence[torch.Tensor],
    ratio: float = 0.01,
    *,
    floor: float = 1e-3,
    layout: str | None = None,
    nonfinite: str = "raise",
) -> list[torch.Tensor | None]:
    """Each output unit's gradient limited to `ratio` times its weights' norm, which counts as at least `floor`.

    A unit is what one output uses, by `layout` (see `varlaw.impl.fans`); a bias or a scalar is one unit as a whole
    (Brock et al. 2021, arXiv:2102.06171).

    grads: float tensors, None where a parameter has no gradient.
    parameters: one for each gradient, of its shape.
    ratio: the largest norm of a unit's gradient over that of its weights.
    floor: the least norm that a unit's weights count for.
    layout: what the axes of the weights mean (`varlaw.impl.fans`); by default the first one numbers the units.
    nonfinite: of entries that are not finite: "raise" refuses them, "zero" replaces them by 0 first, "skip" leaves
        all gradients as they are.

    >>> clip_adaptive([torch.tensor([[3.0, 4.0]])], [torch.tensor([[6.0, 8.0]])], 0.1)
    [tensor([[0.6000, 0.8000]])]
    """
    where = "clip_adaptive"
    share, least = number("ratio", ratio, where, low=0.0), number("floor", floor, where, low=0.0)
    leaves = _policed(_leaves("grads", grads, where), nonfinite, where)
    weights = _leaves("parameters", parameters, where)
    if nonfinite == "raise":
        _refuse_nonfinite(weights, where, "parameters")
    if len(weights) != len(leaves):
        refuse("len(parameters)", len(weights), f"{len(leaves)}, one for each gradient", where)
    for i, (leaf, weight) in enumerate(zip(leaves, weights, strict=True)):
        if leaf is None:
            continue
        if weight is None or weight.shape != leaf.shape:
            refuse(f"parameters[{i}].shape", None if weight is None else tuple(weight.shape), f"{leaf.shape}", where)
        axes = unit_axes(tuple(leaf.shape), layout, where)
        leaves[i] = unitwise(leaf, share * torch.div(*unit_norms(weight, axes)).clamp(min=least), axes)
    return leaves


def _leaves(name: str, grads: Any, where: str, in_place: bool = False) -> list[torch.Tensor | None]:
    leaves = listed(name, grads, torch.Tensor, where)
    there = [leaf for leaf in leaves if leaf is not None]
    plain = {leaf.dtype for leaf in there} <= NAMES.keys() and {leaf.layout for leaf in there} <= {torch.strided}
    if not plain or (in_place and not _ready(there)):
        for i, leaf in enumerate(leaves):
            if leaf is not None:
                float_tensor(f"{name}[{i}]", leaf, where)
                if in_place:
                    writable(f"{name}[{i}]", leaf, where)
    return leaves


def _ready(leaves: Sequence[torch.Tensor]) -> bool:
    """Whether all leaves can surely be written to."""
    inference = not torch.compiler.is_compiling() and any(map(torch.Tensor.is_inference, leaves))
    return not inference and all(map(torch.Tensor.is_contiguous, leaves))


def _unique(leaves: Sequence[torch.Tensor | None]) -> list[torch.Tensor]:
    return list({id(leaf): leaf for leaf in leaves if leaf is not None}.values())


def _slack(leaves: Sequence[torch.Tensor | None]) -> float:
    return slack(map(name_of, {leaf.dtype for leaf in leaves if leaf is not None}))


def _policed(leaves: list[torch.Tensor | None], nonfinite: str, where: str) -> list[torch.Tensor | None]:
    choice("nonfinite", nonfinite, POLICIES, where)
    if nonfinite == "raise":
        _refuse_nonfinite(leaves, where)
    if nonfinite == "zero":
        clean = {id(leaf): _zeroed(leaf) for leaf in _unique(leaves)}
        return [None if leaf is None else clean[id(leaf)] for leaf in leaves]
    return leaves


def _zeroed(leaf: torch.Tensor) -> torch.Tensor:
    return with_part(leaf, _zeroed) if is_sharded(leaf) else torch.where(leaf.isfinite(), leaf, 0)


def _refuse_nonfinite(leaves: Sequence[torch.Tensor | None], where: str, name: str = "grads") -> None:
    for i, leaf in enumerate(leaves):
        if leaf is not None and is_sharded(leaf):
            if not all_finite(leaf):  # asked of all, so that all refuse
                refuse(f"{name}[{i}]", "a DTensor not finite", "finite", where)
        elif leaf is not None and not leaf.isfinite().all():
            bad = int((~leaf.isfinite()).sum())
            refuse(f"{name}[{i}]", f"{bad} of {leaf.numel()} not finite", "finite", where)


def _clipped(
    grads: Grads, limit: float, nonfinite: str, in_place: bool, where: str
) -> tuple[list[torch.Tensor | None], torch.Tensor]:
    ceiling = number("limit", limit, where, low=0.0, infinite=True)
    given = _leaves("grads", grads, where, in_place)
    choice("nonfinite", nonfinite, POLICIES, where)
    leaves = _policed(given, nonfinite, where) if nonfinite == "zero" else given
    unique = _unique(leaves)
    norm = norm_of(unique)
    if nonfinite == "raise" and not norm.total.isfinite():
        _refuse_nonfinite(leaves, where)
    over = norm.total.isfinite() & (norm.value > ceiling * (1 + _slack(leaves)))
    if nonfinite != "zero" and may_ask(over):
        if not over:
            return leaves, norm.value
        if in_place and is_plain(unique) and float(ceiling / norm.total) >= SMALL_FACTOR[torch.float32]:
            torch._foreach_mul_(unique, (ceiling / norm.total).float())
            return leaves, norm.value
    done = {id(leaf): times(leaf, norm, ceiling, over, in_place and nonfinite != "zero") for leaf in unique}
    result = [None if leaf is None else done[id(leaf)] for leaf in leaves]
    if in_place and nonfinite == "zero":
        for target, value in zip(given, result, strict=True):
            if target is not None and value is not None:
                write_(local_part(target)[0], local_part(value)[0])
    return result, norm.value


def _each(
    grads: Grads, limit: float, nonfinite: str, in_place: bool, where: str
) -> tuple[list[torch.Tensor | None], list[torch.Tensor]]:
    done: dict[int, tuple[torch.Tensor | None, torch.Tensor]] = {}
    leaves = _leaves("grads", grads, where, in_place)
    number("limit", limit, where, low=0.0, infinite=True)
    choice("nonfinite", nonfinite, POLICIES, where)
    if nonfinite == "raise":
        _refuse_nonfinite(leaves, where)  # before anything is written
    for leaf in leaves:
        if id(leaf) not in done:
            (clipped,), norm = _clipped([leaf], limit, nonfinite, in_place, where)
            done[id(leaf)] = clipped, norm
    return [done[id(leaf)][0] for leaf in leaves], [done[id(leaf)][1] for leaf in leaves]


def _ends(leaf: torch.Tensor, ceiling: float) -> tuple[float, float]:
    most = min(ceiling, float(torch.finfo(leaf.dtype).max)) if ceiling < float("inf") else ceiling
    return -most, most
