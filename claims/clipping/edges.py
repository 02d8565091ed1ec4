"""Claims on clipping at its edges: leaves not finite, limits of 0, inf or below 0, leaves given twice or cut up.

Each has cases of its own, small but for the long ones. What is not documented otherwise is held to the least a user may
expect: finite gradients survive, no gradient changes its sign, all are multiplied by one number, and neither how they
are cut into leaves nor how many there are matters beyond rounding.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.clipping.projection import Gradients, norm_of
from varlaw.claims.refusal import attempt, nothing_to_measure
from varlaw.evidence.exact import Comparison, compare
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.subjects.subject import Clipper
from varlaw.theory.catalogue import LAWS

Floats = NDArray[np.float64]
Judging = Callable[[Clipper, Trial], Finding]


def claims(subject: Clipper) -> tuple[Claim, ...]:
    """The claims on one clipping function; those on its limit where it clips by value."""
    if subject.op == "clip_adaptive":
        return ()
    table: list[tuple[str, str, str, Judging]] = [
        ("clip.shut", "clip_limits", "a limit of 0 is refused, or leaves zeros", _shut),
        ("clip.open", "clip_limits", "an infinite limit is refused, or changes nothing", _open),
    ]
    law = "clip.value"
    if subject.op == "clip_norm":
        table, law = [*table, *_OF_LEAVES, *_OF_NORMS], "clip.factor"
    elif subject.op == "clip_value":
        table += [*_OF_LEAVES, *_OF_VALUES]
    return tuple(
        Claim(
            name=name, law="clip.norm" if name == "clip.long" else law, statement=statement, subject=subject,
            target=subject.name, op=op, judge=_bind(judging, subject),
        )
        for name, op, statement, judging in table
    )  # fmt: skip


def _bind(judging: Judging, subject: Clipper) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _shut(subject: Clipper, trial: Trial) -> Finding:
    """Every entry becomes 0, of gradients that are not 0 and of those that are: 0/0 is no factor."""
    g = Gradients(trial)
    zeros = [0 * leaf for leaf in g.leaves]
    both = (g.leaves, zeros)
    after = attempt(lambda: [_clipped(subject, trial, x, 0.0) for x in both], lambda: _ordinary(subject, trial, g))
    if isinstance(after, Finding):
        return after
    left = sum(int((x == 0).sum()) for x in after)
    comparison = compare([left], [2 * g.entries], [0.0])
    detail = " and ".join(name for name, x in zip(("others", "zeros"), after, strict=True) if np.isnan(x).any())
    detail = f"gradients that become NaN: {detail}" if detail else ""
    return deterministic(comparison, quantity="entries that become 0", names=g.names, detail=detail)


def _open(subject: Clipper, trial: Trial) -> Finding:
    """What switches clipping off, as inf does where only the norm is asked for; inf times 0 is no factor."""
    g = Gradients(trial)
    after = attempt(lambda: _clipped(subject, trial, g.leaves, math.inf), lambda: _ordinary(subject, trial, g))
    if isinstance(after, Finding):
        return after
    untouched = int((after == np.concatenate(g.leaves)).sum())
    comparison = compare([untouched], [g.entries], [0.0])
    return deterministic(comparison, quantity="entries untouched", names=g.names)


def _no_number(subject: Clipper, trial: Trial) -> Finding:
    g = Gradients(trial)
    after = attempt(lambda: _clipped(subject, trial, g.leaves, math.nan), lambda: _ordinary(subject, trial, g))
    if isinstance(after, Finding):
        return after
    comparison = compare([int(np.isfinite(after).sum())], [g.entries], [0.0])
    return deterministic(comparison, quantity="entries that stay finite", names=g.names)


_SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (2, 3), (2, 1, 3, 2), (5,))


def _shaped(trial: Trial) -> tuple[Gradients, list[Floats]]:
    """Gradients in one leaf, and the same numbers in leaves of several shapes."""
    sizes = [math.prod(shape) for shape in _SHAPES]
    g = Gradients(replace(trial, case={**trial.case, "leaves": 1, "entries": sum(sizes)}))
    parts = np.split(g.leaves[0], np.cumsum(sizes)[:-1])
    return g, [part.reshape(shape) for part, shape in zip(parts, _SHAPES, strict=True)]


def _shapes(subject: Clipper, trial: Trial) -> Finding:
    g, leaves = _shaped(trial)
    return _alike(subject, trial, g, leaves)


def _empty(subject: Clipper, trial: Trial) -> Finding:
    """Leaves of no entries stand first and between the others; they come back as they are, or are refused."""
    g, leaves = _shaped(trial)
    odd = [np.zeros((0,)), *leaves[:2], np.zeros((3, 0)), *leaves[2:]]
    refused = attempt(
        lambda: subject.apply(odd, g.limit, trial.dtype, trial.device), lambda: _ordinary(subject, trial, g)
    )
    return refused if isinstance(refused, Finding) else _alike(subject, trial, g, odd)


def _alike(subject: Clipper, trial: Trial, g: Gradients, leaves: list[Floats]) -> Finding:
    """Clipped leaves, how many keep their shape, and the norm reported, against the same numbers in one leaf."""
    together = _ordinary(subject, trial, g)
    parts, reported = subject.apply(leaves, g.limit, trial.dtype, trial.device)
    kept = sum(np.shape(part) == leaf.shape for part, leaf in zip(parts, leaves, strict=True))
    norms = [] if reported is None else [reported]
    observed = [float(kept), *norms, *_flat(parts).tolist()]
    expected = [len(leaves), *(g.norm for _ in norms), *together.tolist()]
    bounds = [0.0, *(g.norm * g.error for _ in norms), *(2 * g.error * np.abs(together) + g.smallest).tolist()]

    def against(ratio: float) -> Comparison:  # of how many keep their shape, and not of what they hold
        return compare(observed, [ratio * expected[0], *expected[1:]], bounds)

    what = "leaves that keep their shape, norm, or entry"
    return deterministic(against(1.0), quantity=what, names=g.names, against=against)


def _nothing(subject: Clipper, trial: Trial) -> Finding:
    g = Gradients(replace(trial, case={"leaves": 1, "entries": 4, "norm": 2.0, "limit": 1.0}))
    found = attempt(lambda: subject.apply([], 1.0, trial.dtype, trial.device), lambda: _ordinary(subject, trial, g))
    if isinstance(found, Finding):
        return found
    leaves, reported = found
    norm = 0.0 if reported is None else reported
    comparison = compare([float(len(leaves)), norm], [0.0, 0.0], [0.0, 0.0])
    return deterministic(comparison, quantity="leaves, and norm reported")


def _values(subject: Clipper, trial: Trial) -> Finding:
    """An infinite entry ends on the limit, NaN stays what it is, and the others are clipped as ever."""
    g = Gradients(trial)
    bad, entry = [leaf.copy() for leaf in g.leaves], float(trial.case["entry"])
    bad[0][0], bad[1][1] = entry, -entry
    after = attempt(lambda: _clipped(subject, trial, bad, g.limit), lambda: _ordinary(subject, trial, g))
    if isinstance(after, Finding):
        return after
    expected = np.clip(_flat(bad), -g.limit, g.limit)
    lawful = int(((after == expected) | (np.isnan(after) & np.isnan(expected))).sum())
    comparison = compare([lawful], [g.entries], [0.0])
    return deterministic(comparison, quantity="entries clipped as they should be", names=g.names)


def _turned(subject: Clipper, trial: Trial) -> Finding:
    """A box whose lower bound lies above its upper one: no entry may change its sign, which is what is observed."""
    g = Gradients(trial)
    after = attempt(lambda: _clipped(subject, trial, g.leaves, -g.limit), lambda: _ordinary(subject, trial, g))
    if isinstance(after, Finding):
        return after
    kept = bool((after * np.concatenate(g.leaves) >= 0).all())
    comparison = compare([1.0 if kept else -1.0], [1.0], [0.0])
    return deterministic(comparison, quantity="sign of the entry that changes most", names=g.names)


def _clipped(subject: Clipper, trial: Trial, leaves: list[Floats], limit: float) -> Floats:
    """All entries after clipping, in their order."""
    return _flat(subject.apply(leaves, limit, trial.dtype, trial.device)[0])


def _ordinary(subject: Clipper, trial: Trial, g: Gradients) -> Floats:
    return _clipped(subject, trial, g.leaves, g.limit)


def _flat(leaves: list[Floats]) -> Floats:
    return np.concatenate([np.ravel(leaf) for leaf in leaves])


def _nonfinite(subject: Clipper, trial: Trial) -> Finding:
    """One entry of the first leaf is inf or NaN; the others have a norm below the limit. A refusal is as good.

    NaN in all of them counts as an infinite norm, unless that is the documented signal.
    """
    g = Gradients(trial)
    bad = [leaf.copy() for leaf in g.leaves]
    bad[0][0] = float(trial.case["entry"])
    whole = attempt(lambda: _clipped(subject, trial, bad, g.limit), lambda: _ordinary(subject, trial, g))
    if isinstance(whole, Finding):
        return whole
    after = whole[bad[0].size :]
    if subject.nonfinite == "signals" and np.isnan(after).all():
        return nothing_to_measure("all leaves became NaN, as documented")
    lost = bool(np.isnan(after).any())
    comparison = compare([math.inf if lost else norm_of([after])], [norm_of(g.leaves[1:])], [0.0])
    found = deterministic(comparison, quantity="norm of the finite leaves", names=g.names)
    return msgspec.structs.replace(found, detail="finite leaves became NaN") if lost else found


def _negative(subject: Clipper, trial: Trial) -> Finding:
    """The cosine between gradients before and after: -1 where the factor limit/|g| kept its sign."""
    g = Gradients(trial)
    after = attempt(lambda: _clipped(subject, trial, g.leaves, -g.limit), lambda: _ordinary(subject, trial, g))
    if isinstance(after, Finding):
        return after
    before = np.concatenate(g.leaves)
    product, size = float(before @ after), norm_of([before]) * norm_of([after])
    cosine = product / size if size else 1.0
    found = deterministic(compare([cosine], [1.0], [4 * FORMATS[trial.dtype].unit]), quantity="cosine", names=g.names)
    if cosine <= 0:
        return found
    return msgspec.structs.replace(nothing_to_measure("no gradient changed its sign"), against=found.against)


def _duplicates(subject: Clipper, trial: Trial) -> Finding:
    """Of leaves of one norm the first is given twice, as one object; whether it counts twice is free to choose."""
    g = Gradients(trial)
    share = g.norm / math.sqrt(len(g.leaves))
    leaves = [FORMATS[trial.dtype].round_all(leaf * (share / norm_of([leaf]))) for leaf in g.leaves]
    clipped, _ = subject.apply([*leaves, leaves[0]], g.limit, trial.dtype, trial.device)
    factor = norm_of(clipped[1:-1]) / norm_of(leaves[1:])
    expected = norm_of(leaves[:1]) * factor
    bound = 2 * g.error * expected + 2 * g.smallest * math.sqrt(g.entries)
    comparison = compare([norm_of(clipped[:1])], [expected], [bound])
    return deterministic(comparison, quantity="norm of the leaf given twice", names={**g.names, "factor": factor})


def _grouping(subject: Clipper, trial: Trial) -> Finding:
    g = Gradients(trial)
    whole = np.concatenate(g.leaves)
    parts, _ = subject.apply(g.leaves, g.limit, trial.dtype, trial.device)
    one, _ = subject.apply([whole], g.limit, trial.dtype, trial.device)
    together = np.ravel(one[0])
    bound = 2 * g.error * np.abs(together) + g.smallest
    apart = _flat(parts)
    comparison = compare(apart.tolist(), together.tolist(), bound.tolist())
    return deterministic(comparison, quantity="entry", names=g.names)


def _long(subject: Clipper, trial: Trial) -> Finding:
    """Equal entries, whose norm is known exactly: c sqrt(n) with n a power of 4.

    The bound is that of a sum in blocks of sqrt(n) terms, gamma(2 sqrt(n)), over 2 for the root. A plain sum of a
    million float32 squares may lose a thousand times as much, for equal terms are rounded alike. What is clipped is
    looked at only where no norm is reported.
    """
    n, fmt = trial.case["entries"], FORMATS[trial.dtype]
    working = min(fmt.unit, FORMATS["float32"].unit)
    value = fmt.round(trial.case["value"])
    norm, limit = value * math.sqrt(n), fmt.round(trial.case["limit"])
    if norm > fmt.largest:
        msg = f"{trial.dtype} cannot hold a norm of {norm:g}"
        raise NotApplicable(msg)
    clipped, reported = subject.apply([np.full(n, value)], limit, trial.dtype, trial.device)
    error = gamma(2 * math.sqrt(n) + 4, working) / 2 + 5 * working + 2 * fmt.unit
    expected = LAWS["clip.norm"].value(norm=norm, limit=limit) if reported is None else norm
    observed, quantity = (norm_of(clipped), "norm after clipping") if reported is None else (reported, "norm reported")
    comparison = compare([observed], [expected], [error * expected])
    return deterministic(comparison, quantity=quantity, names={"norm": norm, "limit": limit})


_OF_NORMS: tuple[tuple[str, str, str, Judging], ...] = (
    ("clip.nonfinite", "clip_nonfinite", "finite leaves survive one that is not", _nonfinite),
    ("clip.negative", "clip_negative", "a negative limit is refused, or flips no sign", _negative),
    ("clip.duplicates", "clip_duplicates", "a leaf given twice is clipped once", _duplicates),
    ("clip.grouping", "clip_grouping", "one leaf, or the same numbers in many", _grouping),
    ("clip.long", "clip_long", "the norm of a long leaf, as sums of blocks have it", _long),
)
_OF_VALUES: tuple[tuple[str, str, str, Judging], ...] = (
    ("clip.value_nonfinite", "clip_nonfinite", "an infinite entry ends on the limit, and NaN stays NaN", _values),
    ("clip.value_negative", "clip_negative", "a negative limit is refused, or flips no sign", _turned),
)
_OF_LEAVES: tuple[tuple[str, str, str, Judging], ...] = (
    ("clip.nan_limit", "clip_limits", "a limit that is no number is refused, or spoils no gradient", _no_number),
    ("clip.shapes", "clip_shapes", "scalars, matrices and vectors are clipped as one leaf of them is", _shapes),
    ("clip.empty", "clip_shapes", "a leaf without entries changes nothing", _empty),
    ("clip.nothing", "clip_nothing", "no gradient at all is refused, or has a norm of 0", _nothing),
)
