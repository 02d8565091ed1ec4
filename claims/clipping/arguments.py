"""Claims on the arguments of clipping: the order of its norm, the bounds of its box, and what kinds of leaf it takes.

Clipping by the norm of order p multiplies by min(1, limit/|g|_p), and what it reports is |g|_p of all entries together:
for p = 0 their number that is not 0, for inf and -inf the largest and the smallest. What an argument does not change
must stay as it is without it: sparse leaves, leaves with gaps, and none at all are clipped as the dense ones are.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.clipping.projection import Floats, Gradients
from varlaw.claims.refusal import attempt
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.subjects.subject import Clipper

Judging = Callable[[Clipper, Trial], Finding]


def claims(subject: Clipper) -> tuple[Claim, ...]:
    """The claims on the arguments that one clipping function has."""
    return tuple(
        Claim(
            name=name, law=law, statement=statement, subject=subject, target=subject.name, op=op,
            judge=_bind(judging, subject),
        )
        for argument, name, law, op, statement, judging in _TABLE
        if argument in subject.adjusts
    )  # fmt: skip


def _bind(judging: Judging, subject: Clipper) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _run(
    subject: Clipper, trial: Trial, leaves: list[Floats], limit: float, **arguments: Any
) -> tuple[Floats, float | None]:
    """All entries after clipping, in their order, and the norm reported."""
    assert subject.adjusted
    clipped, reported = subject.adjusted(leaves, limit, arguments, trial.dtype, trial.device)
    return np.concatenate([np.ravel(leaf) for leaf in clipped]), reported


def order_norm(x: Floats, order: float) -> float:
    """|x|_p of a vector in float64; the number of entries that are not 0 for p = 0.

    >>> [order_norm(np.array([3.0, 0.0, -4.0]), p) for p in (0, 1, 2, math.inf, -math.inf)]
    [2.0, 7.0, 5.0, 4.0, 0.0]
    """
    return float(np.linalg.norm(x, order))


def _ordered(subject: Clipper, trial: Trial) -> tuple[Floats, float, float, tuple[Floats, float | None] | Finding]:
    """All entries, their norm of the case's order, its rounding, and what the clip makes of them."""
    order, fmt = float(trial.case["order"]), FORMATS[trial.dtype]
    g = Gradients(replace(trial, case={**trial.case, "limit": 1.0}))
    if order:  # to the norm of the case, so that other inputs have it, too
        size = trial.case["norm"] / order_norm(np.concatenate(g.leaves), order)
        g.leaves = [fmt.round_all(leaf * size) for leaf in g.leaves]
    before = np.concatenate(g.leaves)
    norm = order_norm(before, order)
    if norm > fmt.largest:
        msg = f"{trial.dtype} cannot hold a norm of {norm:.3g}"
        raise NotApplicable(msg)
    limit = trial.case["share"] * norm
    found = attempt(
        lambda: _run(subject, trial, g.leaves, limit, order=order), lambda: _run(subject, trial, g.leaves, limit)
    )
    working = min(fmt.unit, FORMATS["float32"].unit)
    root = 1.0 if order == 0 or math.isinf(order) else max(1.0, 1 / abs(order))
    return before, norm, gamma(g.entries + 16, working) * root + 4 * fmt.unit * root, found


def _names(trial: Trial, norm: float) -> dict[str, float]:
    return {"norm": norm, "limit": trial.case["share"] * norm}


def _order(subject: Clipper, trial: Trial) -> Finding:
    """The limit is a share of the norm; the bound is that of a sum of powers, and of its root."""
    before, norm, error, found = _ordered(subject, trial)
    if isinstance(found, Finding):
        return found
    expected = before * min(1.0, trial.case["share"])
    bounds = np.abs(expected) * 2 * error + FORMATS[trial.dtype].spacing(0.0)
    comparison = compare(found[0].tolist(), expected.tolist(), bounds.tolist())
    return deterministic(comparison, quantity="entry", names=_names(trial, norm))


def _order_reported(subject: Clipper, trial: Trial) -> Finding:
    _, norm, error, found = _ordered(subject, trial)
    if isinstance(found, Finding):
        return found
    if found[1] is None:
        msg = "it reports no norm"
        raise NotApplicable(msg)
    comparison = compare([found[1]], [norm], [norm * error])
    return deterministic(comparison, quantity="norm reported", names=_names(trial, norm))


def _box(subject: Clipper, trial: Trial) -> Finding:
    low, high = trial.case["low"], trial.case["high"]
    g = Gradients(replace(trial, case={**trial.case, "limit": 1.0}))
    after, _ = _run(subject, trial, g.leaves, high, low=low)
    expected = np.minimum(np.maximum(np.concatenate(g.leaves), low), high)
    return deterministic(compare(after.tolist(), expected.tolist(), [0.0] * len(after)), quantity="entry")


def _strict(subject: Clipper, trial: Trial) -> Finding:
    """Raising is asked for: on a leaf that is not finite it raises, and on the others alone it does not."""
    g = Gradients(trial)
    bad = [leaf.copy() for leaf in g.leaves]
    bad[0][0] = float(trial.case["entry"])
    _run(subject, trial, g.leaves, g.limit, strict=True)
    try:
        _run(subject, trial, bad, g.limit, strict=True)
    except (RuntimeError, ValueError):
        raised = 1.0
    else:
        raised = 0.0
    return deterministic(compare([raised], [1.0], [0.0]), quantity="errors raised", names=g.names)


def _with(argument: str) -> Judging:
    """The same entries, and the same norm, with the argument as without it."""

    def judging(subject: Clipper, trial: Trial) -> Finding:
        g = Gradients(trial)
        usual, norm = _run(subject, trial, g.leaves, g.limit)
        if not np.isfinite(usual).all():
            msg = "what is not finite without the argument is not compared with it"
            raise NotApplicable(msg)
        found = attempt(
            lambda: _run(subject, trial, g.leaves, g.limit, **{argument: True}),
            lambda: _run(subject, trial, g.leaves, g.limit),
        )
        if isinstance(found, Finding):
            return found
        after, reported = found
        if (norm is None) != (reported is None):
            msg = "it reports no norm"
            raise NotApplicable(msg)
        norms = [] if reported is None or norm is None else [(reported, norm)]
        comparison = compare(
            [*(n for n, _ in norms), *after.tolist()],
            [*(n for _, n in norms), *usual.tolist()],
            [*(n * g.error for _, n in norms), *(2 * g.error * np.abs(usual) + g.smallest).tolist()],
        )
        return deterministic(comparison, quantity="norm reported, or entry", names=g.names)

    return judging


_TABLE: tuple[tuple[str, str, str, str, str, Judging], ...] = (
    ("order", "clip.order", "clip.factor", "clip_order", "g min(1, limit/|g|_p) for every order p", _order),
    ("order", "clip.order_reported", "clip.factor", "clip_order", "the norm returned is |g|_p", _order_reported),
    ("low", "clip.box", "clip.value", "clip_box", "min(max(g, low), high), entry by entry", _box),
    ("strict", "clip.strict", "clip.factor", "clip_nonfinite", "a norm that is not finite raises, as asked", _strict),
    ("sparse", "clip.sparse", "clip.factor", "clip_limits", "sparse leaves are clipped as dense ones", _with("sparse")),
    (
        "strided",
        "clip.strided",
        "clip.factor",
        "clip_limits",
        "leaves with gaps in memory are clipped as others",
        _with("strided"),
    ),
    (
        "absent",
        "clip.absent",
        "clip.factor",
        "clip_limits",
        "a leaf without a gradient counts for nothing",
        _with("absent"),
    ),
)
