"""`check_clip`: a user's gradient clipping against its law, and what is wrong with it."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varlaw.claims.clipping.adaptive import leaves
from varlaw.claims.clipping.projection import norm_of
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.evidence.streams import SALT
from varlaw.subjects.subject import Clipper, Floats
from varlaw.subjects.yours import Yours, clipper, per_parameter
from varlaw.theory.domain import printable
from varlaw.verify.own.asking import DEFAULT, Case, Extreme, as_row, asked, left_out, of_claims, one_of, text, yours
from varlaw.verify.own.clip_kinds import REDUCTIONS, accumulated, adaptive, cause_of_adaptive
from varlaw.verify.own.verdicts import Verdicts, asserting

KINDS = {
    **dict.fromkeys(("global_norm", "per_parameter", "accumulated"), "clip_norm"),
    "value": "clip_value",
    "adaptive": "clip_adaptive",
}

EXTREMES = {
    "huge": Extreme(False, lambda claim, case, dtype: case.get("norm", 0.0) ** 2 > FORMATS[dtype].largest),
    "tiny": Extreme(False, lambda claim, case, dtype: 0 < case.get("norm", 1.0) ** 2 < FORMATS[dtype].spacing(0.0)),
    "zero_limit": of_claims("clip.shut", usual=False),
    "infinite_limit": of_claims("clip.open", usual=False),
    "negative_limit": of_claims("clip.negative", "clip.value_negative", usual=False),
    "nonfinite": of_claims("clip.nonfinite", "clip.value_nonfinite", usual=False),
    "duplicates": of_claims("clip.duplicates", usual=False),
    "nan_limit": of_claims("clip.nan_limit", usual=False),
    "empty": of_claims("clip.empty", "clip.nothing", usual=False),
    "shapes": of_claims("clip.shapes", usual=False),
    "long": of_claims("clip.long"),
    "odd_orders": Extreme(False, lambda claim, case, dtype: float(case.get("order", 1)) < 1),
}
_AS_TORCH = {"global_norm": "torch.nn.utils.clip_grad_norm_", "value": "torch.nn.utils.clip_grad_value_"}
_RIGHT = {
    "global_norm": "all leaves are clipped by the norm of all, not each by its own",
    "per_parameter": "every leaf is clipped by its own norm, not all by the norm of all",
    "value": "every entry is clipped by value, not the norm",
}
_MANY = 1000  # entries, from which a sum in few digits loses terms
_AT_ONCE = "each batch is clipped by itself, and not what they add up to"
_OF_ALL_LEAVES = (
    "clip.duplicates",
    "clip.nonfinite",
    "clip.grouping",
    "clip.shapes",
    "clip.empty",
    "clip.nothing",
)  # nothing is said of one leaf alone
_EACH = "every leaf is clipped by its own norm, not all by the norm of all"
_NORMS: dict[str, Callable[[list[Floats]], Sequence[float]]] = {  # the norm that each leaf is clipped by
    _EACH: lambda g: [norm_of([x]) for x in g],
    "all leaves are clipped by the norm of all, not each by its own": lambda g: [norm_of(g)] * len(g),
    "the norm is squared: the factor is limit/|g|^2": lambda g: [norm_of(g) ** 2] * len(g),
    "the norms of the leaves are added, and not their squares": lambda g: [sum(norm_of([x]) for x in g)] * len(g),
    "the norm is that of the largest leaf, not of all": lambda g: [max(norm_of([x]) for x in g)] * len(g),
    "the norm is that of the first leaf alone": lambda g: [norm_of(g[:1])] * len(g),
    "the norm is that of the last leaf alone": lambda g: [norm_of(g[-1:])] * len(g),
    "the norm is the mean of the leaves' norms": lambda g: [sum(norm_of([x]) for x in g) / len(g)] * len(g),
    "the norm is the sum of |entries|": lambda g: [sum(float(abs(x).sum()) for x in g)] * len(g),
    "the norm is the largest |entry|": lambda g: [max(float(abs(x).max()) for x in g)] * len(g),
    "the norm is the root of the mean square, not of the sum": lambda g: (
        [norm_of(g) / sum(x.size for x in g) ** 0.5] * len(g)
    ),
    "every leaf is clipped by its own root mean square": lambda g: [norm_of([x]) / x.size**0.5 for x in g],
}
_TORCHS = "the factor is limit/(norm + 1e-6), as torch's is (as_='torch')"


def _by(norms: Callable[[list[Floats]], Sequence[float]], eps: float = 0.0) -> Callable[[list[Floats], float], Any]:
    return lambda g, c: [x * _factor(n + eps, c) for x, n in zip(g, norms(g), strict=True)]


_WAYS: dict[str, Callable[[list[Floats], float], list[Floats]]] = {
    **{said: _by(norms) for said, norms in _NORMS.items()},
    "every entry is clipped by value, not the norm": lambda g, c: [x.clip(-c, c) for x in g],
    "values beyond the limit lose their sign": lambda g, c: [np.where(abs(x) > c, c, x) for x in g],
    "values are clipped above alone": lambda g, c: [x.clip(None, c) for x in g],
    "values are clipped below alone": lambda g, c: [x.clip(-c, None) for x in g],
    "nothing is clipped": lambda g, c: g,
    "gradients below the limit are scaled up to it": lambda g, c: [x * (c / norm_of(g)) for x in g],
    "each leaf is scaled to the limit, also from below": lambda g, c: [x * (c / norm_of([x])) for x in g],
    _TORCHS: _by(_NORMS["all leaves are clipped by the norm of all, not each by its own"], 1e-6),
    **{
        f"{said}; + 1e-6, as torch's": _by(norms, 1e-6)
        for said, norms in _NORMS.items()
        if not said.startswith("all leaves")
    },
    "the root of the factor is taken": lambda g, c: [x * _factor(norm_of(g), c) ** 0.5 for x in g],
    "the limit is squared": lambda g, c: [x * _factor(norm_of(g), c * c) for x in g],
}


def check_clip(
    f: Any,
    kind: str = "global_norm",
    *,
    reduction: str = "mean",
    eps: float = 1e-3,
    order: str = "",
    dtype: str = "float32",
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
    salt: str = SALT,
    name: str | None = None,
) -> Verdicts:
    """Decide whether `f(arrays, limit)` clips as its kind does: nothing below the limit, above it to the limit.

    f: takes a list of floating arrays and a limit. It returns arrays, or (arrays, norm), or clips in place and returns
        nothing or the norm; torch tensors carry themselves in `.grad`, so that what clips parameters' gradients fits.
    kind: "global_norm" (one factor for all, by the norm of all), "per_parameter" (each by its own norm), "value";
        "accumulated", where `f(batches, limit)` takes a list of such lists, the gradients of several batches of one
        optimiser step, and returns what the step applies: the clip of their mean or sum; or "adaptive", where
        `f(weights, arrays, limit)` clips each row, or vector, to limit times the norm of its weights.
    reduction: "mean" or "sum", of accumulated gradients.
    eps: the least norm of weights that an adaptive clip counts.
    order: what `f` calls its argument for the order of the norm, where it has one: "norm_type", of which inf means the
        largest entry; of a global norm.
    dtype: the format of the arrays.
    promises, unpromised: what is asked beyond the usual, and what is not. Usual are ordinary gradients and limits, and
        "long" (a million entries in a leaf); to be promised are "huge" (squares overflow), "tiny" (they underflow),
        "zero_limit", "infinite_limit", "negative_limit", "nan_limit", "nonfinite" (a leaf with inf or NaN),
        "duplicates" (a leaf given twice), "empty" (leaves of no entries, or none) and "shapes" (scalars,
        matrices) and "odd_orders" (0, 1/2, -1, -inf, beside 1, 2, 3 and inf); "all" for every one.
    as_: "torch", or a clip by its name in `varlaw verify`: everything is asked, and what it documents as its
        deviations is no violation.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    salt, name: the address of the inputs; name is the function's own unless given.

    Raises `SamplerError` in one line when `f` raises or returns something else, `ValueError` for other arguments.

    >>> def clip(grads, limit):
    ...     norm = sum(float((g.astype("float64") ** 2).sum()) for g in grads) ** 0.5
    ...     return [g * (limit / norm) if norm > limit else g for g in grads]
    >>> check_clip(clip, "global_norm").ok
    True
    """
    one_of(kind, KINDS, "kind", "check_clip")
    one_of(reduction, REDUCTIONS, "reduction", "check_clip")
    eps_of(eps, "check_clip")
    text(order, "order", "check_clip")
    out = left_out(EXTREMES, promises, unpromised, all_usual=as_ is not None, where="check_clip")
    probe = probes(kind)[0]
    made = functools.partial(of_kind, kind, reduction, order=order)
    mine = yours(f, name, library, dtype, salt, "check_clip", lambda m: made(m).apply(probe, 1.0, dtype, "cpu"))
    whole = made(mine)
    subject = per_parameter(whole) if kind == "per_parameter" else whole
    silent = as_ is not None and whole.apply(probe, 1.0, dtype, "cpu")[1] is None
    row = as_row(subject, as_name(kind, as_), "check_clip")
    verdicts = asked(
        row,
        mine.name,
        EXTREMES,
        out,
        dtype,
        salt,
        DEFAULT,
        lambda claim, cases: cases_of(kind, silent, claim.name, cases, eps),
    )
    result = Verdicts(mine.name, f"clip, {kind.replace('_', ' ')}", tuple(verdicts), unpromised=out)
    return result if result.ok else result.because(_where(result) or _cause(kind, whole, dtype, eps))


def of_kind(kind: str, reduction: str, mine: Yours, order: str = "") -> Clipper:
    """The function as a clip of its kind; `ValueError` for an order of what has no one norm."""
    if order and kind != "global_norm":
        msg = f"order={order!r}, but should be given for a clip of the global norm, not {kind} [check_clip]"
        raise ValueError(msg)
    if kind == "accumulated":
        return accumulated(mine, reduction)
    return adaptive(mine) if kind == "adaptive" else clipper(mine, KINDS[kind], order)


def eps_of(eps: Any, where: str) -> None:
    """`ValueError` unless eps is a number >= 0."""
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not 0 <= eps < math.inf:
        msg = f"eps={printable(eps)}, but should be a number >= 0 [{where}]"
        raise ValueError(msg)


def as_name(kind: str, as_: str | None) -> str | None:
    """The row of a framework whose deviations are meant."""
    return _AS_TORCH.get(kind) if as_ == "torch" else as_


def cases_of(kind: str, silent: bool, claim: str, cases: list[Case], eps: float) -> list[Case]:
    """Claims on all leaves say nothing of one; a row's deviations nothing of a norm that is not reported."""
    if kind == "adaptive":
        return [{**case, "eps": eps} for case in cases]
    nothing = (kind == "per_parameter" and claim in _OF_ALL_LEAVES) or (silent and claim == "clip.long")
    return [] if nothing else cases


def _cause(kind: str, subject: Clipper, dtype: str, eps: float) -> str:
    """The wrong clip, among those that people write, that gives every entry; "" where none does, or the right one."""
    if kind == "accumulated":
        return _of_parts(subject, dtype)
    if kind == "adaptive":
        return cause_of_adaptive(subject, dtype, eps)
    fits = list(_WAYS)
    for probe, limit in ((p, c) for p in probes() for c in (1.0, 0.3, 1e-4)):
        leaves = [FORMATS[dtype].round_all(x) for x in probe]
        seen, _ = subject.apply(leaves, limit, dtype, "cpu")
        fits = [name for name in fits if _same(seen, _WAYS[name](leaves, limit), dtype)]
    if not fits and kind == "global_norm":
        return _scaled_limit(subject, dtype)
    return fits[0] if fits and _RIGHT[kind] not in fits else ""


def _scaled_limit(subject: Clipper, dtype: str) -> str:
    """Whether all is well with another limit, a multiple of the one that is given."""
    above = [FORMATS[dtype].round_all(x) for x in probes()[0]]
    factor = norm_of(subject.apply(above, 1.0, dtype, "cpu")[0])
    if not 0 < factor < math.inf:
        return ""
    for probe, limit in ((p, c) for p in probes() for c in (1.0, 0.3, 1e-4)):
        leaves = [FORMATS[dtype].round_all(x) for x in probe]
        seen, _ = subject.apply(leaves, limit, dtype, "cpu")
        if not _same(seen, [x * _factor(norm_of(leaves), factor * limit) for x in leaves], dtype):
            return ""
    of = f"1/{1 / factor:.6g}" if factor < 1 else f"{factor:.6g}"
    return f"gradients are clipped to {of} times the limit, as where a loss scale is not taken off first"


def _where(found: Verdicts) -> str:
    """In words what it means that only some claims or cases go wrong."""
    faults, claims = found.faults, {v.claim for v in found.faults}
    if claims <= {"clip.order", "clip.order_reported"}:
        orders = ", ".join(sorted({str(v.case["order"]) for v in faults}))
        return f"the norm is not of the order {orders} that is asked for"
    if all(v.case.get("norm") == 0 for v in faults) and any(v.observed is None for v in faults):
        return "gradients that are 0 become NaN, as of 0 times limit/0"
    if all(v.claim == "clip.long" or v.case.get("leaves", 0) * v.case.get("entries", 0) >= _MANY for v in faults):
        return "only many numbers go wrong, as when their squares are added up in too few digits"
    return ""


def _of_parts(subject: Clipper, dtype: str) -> str:
    """What is wrong with accumulated gradients: far below the limit nothing is clipped, only added up."""
    small = [FORMATS[dtype].round_all(x) for x in probes()[2]]
    seen, _ = subject.apply(small, 1.0, dtype, "cpu")
    above = [FORMATS[dtype].round_all(x) for x in probes()[0]]
    if _same(subject.apply(above, 1.0, dtype, "cpu")[0], above, dtype):
        return "nothing is clipped, as where the clip comes after the step"
    words = {2.0: "the batches are added, and not averaged", 0.5: "the batches are averaged, and not added"}
    return next((said for factor, said in words.items() if _same(seen, [factor * x for x in small], dtype)), _AT_ONCE)


def probes(kind: str = "") -> list[list[Floats]]:
    """Gradients above and below a limit of 1, and leaves on either side of it; then as small as 1e-4."""
    if kind == "adaptive":
        return [[each for part in leaves(1.0, FORMATS["float64"]) for each in part]]
    rng = np.random.default_rng(0)
    directions = [rng.standard_normal(n) for n in (3, 8, 20)]
    return [
        [x * (norm / norm_of([x])) for x, norm in zip(directions, norms, strict=True)]
        for norms in ((3.0, 0.7, 2.0), (0.2, 0.3, 0.4), (1e-4, 2e-5, 1e-4))
    ]


def _same(seen: list[Floats], wanted: list[Floats], dtype: str) -> bool:
    fmt = FORMATS[dtype]
    error = gamma(64, min(fmt.unit, FORMATS["float32"].unit)) + 8 * fmt.unit
    pairs = zip(seen, wanted, strict=True)
    return all((np.abs(a - b) <= error * np.abs(b) + fmt.spacing(0.0)).all() for a, b in pairs)


def _factor(norm: float, limit: float) -> float:
    return min(1.0, limit / norm) if norm else 1.0


assert_clip = asserting(check_clip)
