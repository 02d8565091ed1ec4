"""What `check_norm` makes of its arguments: where the sets lie, groups, eps and momentum (given or measured), cases."""

import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from varlaw.claims.norms.normalisation import rows_of
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.builders.modes import weight_of_new
from varlaw.subjects.norm_rows import RUNNING
from varlaw.subjects.subject import Norm
from varlaw.subjects.yours import Layout
from varlaw.theory.domain import printable
from varlaw.theory.variates.variate import real
from varlaw.verify.own.asking import Case, a_function

_RUNNING = ("norm.running_mean", "norm.running_var", "norm.running_unbiased", "norm.running_steps")
_SMALL = 1e-4  # the least std of the cases: eps is measured there, where it matters most


def layout_of(kind: str, shape: Any, axes: Any) -> Layout:
    """Where the sets lie; `ValueError` for axes that the shape does not have."""
    sides = None if shape is None else _shape(shape)
    rank = 3 if sides is None else len(sides)
    if kind == "weight":
        kind, axes = "layer", tuple(range(1, rank)) if axes is None else axes
    usual = {"layer": (rank - 1,), "rms": (rank - 1,), "batch": (0, *range(2, rank))}.get(kind, tuple(range(2, rank)))
    given = usual if axes is None else tuple(_axis(a, rank) for a in (axes if isinstance(axes, Sequence) else (axes,)))
    if (kind == "group" and axes is not None) or not given or len(set(given)) < len(given):
        msg = f"axes={axes!r} of {rank}, but should be different axes of a set (none of a group norm) [check_norm]"
        raise ValueError(msg)
    if sides is None and len(given) != (2 if kind == "batch" else 1):
        msg = f"axes={axes!r} without a shape, but should be given with shape=... [check_norm]"
        raise ValueError(msg)
    return Layout(f"{kind}_norm", sides, tuple(sorted(given)))


def _shape(shape: Any) -> tuple[int, ...]:
    sides = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else ()
    if not sides or not all(isinstance(n, int | np.integer) and n > 0 for n in sides):
        msg = f"shape={printable(shape)}, but should be a sequence of whole numbers >= 1 [check_norm]"
        raise ValueError(msg)
    return tuple(map(int, sides))


def _axis(axis: Any, rank: int) -> int:
    if not isinstance(axis, int) or not -rank <= axis < rank:
        msg = f"axes holds {printable(axis)}, but should hold axes of an array of {rank} [check_norm]"
        raise ValueError(msg)
    return axis % rank


def groups_of(kind: str, groups: Any, layout: Layout) -> int:
    """How many groups; 1 for a norm without any."""
    if kind != "group" and groups is not None:
        msg = f"groups={printable(groups)} of a {kind} norm, but only a group norm has groups [check_norm]"
        raise ValueError(msg)
    if kind != "group":
        return 1
    channels = groups if layout.shape is None else layout.shape[1]
    if not isinstance(groups, int) or groups < 1 or channels % groups:
        msg = f"groups={printable(groups)}, but should be a whole number that divides the channels [check_norm]"
        raise ValueError(msg)
    return groups


def refuse(momentum: Any, bessel: Any, gradient: Any, evaluate: Any) -> None:
    """`ValueError` or `TypeError` in one line for what none of these arguments can be."""
    if momentum is not None and (isinstance(momentum, bool) or not 0 <= real(momentum) <= 1):
        msg = f"momentum={printable(momentum)}, but should be a number >= 0 and <= 1 [check_norm]"
        raise ValueError(msg)
    if not isinstance(bessel, bool | np.bool_):
        msg = f"bessel={printable(bessel)}, but should be True or False [check_norm]"
        raise ValueError(msg)
    if not isinstance(gradient, bool):
        a_function(gradient, "gradient", "(x, dy), True or False", "check_norm")
    a_function(evaluate, "evaluate", "(x, mean, variance)", "check_norm")


def probe_shape(layout: Layout, groups: int) -> tuple[int, int, int]:
    """Of an array that the norm takes, as claims see it."""
    sizes = layout.sizes if layout.shape else {"batch": 2, "channels": 4 * groups, "length": 8}
    return sizes["batch"], sizes["channels"], sizes["length"]


def eps_of(f: Any, eps: Any) -> float | None:
    """What is known of eps without calling `f`."""
    if eps is None:
        try:
            eps = inspect.signature(f).parameters["eps"].default
        except (TypeError, ValueError, KeyError):
            eps = None
        eps = eps if isinstance(eps, float) else getattr(f, "eps", getattr(f, "epsilon", None))
        return float(eps) if isinstance(eps, float) else None
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not 0 <= real(eps) < math.inf:
        msg = f"eps={printable(eps)}, but should be a number >= 0 [check_norm]"
        raise ValueError(msg)
    return float(eps)


def measured(subject: Norm, probe: Any, groups: int, dtype: str) -> float:
    """eps as numbers of a std of 1e-4 show it: v/(v + eps) over all sets; 0 where they show none."""
    x = FORMATS[dtype].round_all(_SMALL * probe)
    y = subject.apply(x, {}, dtype, "cpu")["output"]
    rows, after = (rows_of(a, subject.op, {"groups": groups}) for a in (x, y))
    v = (rows**2).mean(axis=1) if subject.op == "rms_norm" else rows.var(axis=1)
    square = (after**2).mean(axis=1)  # square (v + eps) = v in every set
    found = float((v - v * square).sum() / square.sum()) if np.isfinite(square).all() and square.any() else 0.0
    return max(found, 0.0)


def single(promises: Any, as_: str | None) -> bool:
    """Whether sets of one number are promised also where a variance with n - 1 = 0 is kept."""
    return as_ is not None or promises == "all" or "single" in (promises or ())


def running_of_one(running: tuple[str, ...]) -> bool:
    """Whether a running variance with n - 1 is kept, which a set of one number does not have."""
    return "norm.running_unbiased" in running


def cases_of(
    claim: str, cases: list[Case], layout: Layout, known: Case, running: tuple[str, ...] = (), *, single: bool = True
) -> list[Case]:
    """The cases of one claim for a norm of this eps, of these groups, of this shape if it has one."""
    alone = layout.shape or (running_of_one(running) and not single)
    if (claim in _RUNNING and claim not in running) or (claim == "norm.single" and alone):
        return []
    sizes = layout.sizes if layout.shape else {}
    unique: list[Case] = []
    for case in cases:
        channels = -(-case["channels"] // known["groups"]) * known["groups"]
        mine = {**case, "channels": channels, **known, **sizes}
        if claim == "norm.single":
            mine["channels"] = known["groups"] if layout.op == "group_norm" else case["channels"]
        if mine not in unique:
            unique.append(mine)
    return unique


def momentum_of(f: Any, momentum: Any, subject: Norm, probe: Any, dtype: str) -> float:
    """The weight of a new batch: as given, as f's attribute, or by what one step does; 0.1 where nothing is kept."""
    known = weight_of_new(f) if momentum is None else momentum
    if isinstance(known, float) or subject.op != "batch_norm":  # others have no claim on what is kept
        return known if isinstance(known, float) else 0.1
    x = FORMATS[dtype].round_all(probe + 1)
    seen = subject.apply(x, {}, dtype, "cpu").get(RUNNING[0])
    return 0.1 if seen is None else min(float(np.median(seen / x.mean(axis=(0, 2)))), 1.0)


def kept(running: bool, bessel: bool) -> tuple[str, ...]:
    """The claims on running statistics that are asked."""
    names = ("norm.running_mean", "norm.running_var", *(("norm.running_unbiased",) if bessel else ()))
    return names if running else ()
