"""Which mistake explains the draws of a sampler that violates its law?

Looked for only after a violation, on fresh draws of a stage of their own. What is certain comes first (values that
never change, rows that are equal, a grid), then the law that single entries do follow, then unevenness and dependence.
A law is named only if the draws bear it, so that nothing is ever the least bad of a list.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from varlaw.claims.causes import copies, entries, facts, families, lattice, laws, matrices, patterns
from varlaw.claims.causes.draws import Draws, Floats, fresh, hosted
from varlaw.claims.causes.words import lines_of, number
from varlaw.claims.claim import Finding
from varlaw.claims.verdict import Outcome
from varlaw.evidence.decide import Source
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Constant, Orthogonal

SeedOf = Callable[[int, int], int]  # (seed of a block, place) -> the seed of one tensor

_CLEAN = 0.995  # share of values that are no spots, from which unevenness is looked for
_DIRECTIONS = "orthogonal, but not in all directions alike, as of a QR of numbers that are not normal"
_LEAST = 1e-70  # largest values below it or above its inverse are out of range
_SHOWN = 3  # facts in one verdict, at most
_REDRAWN = 4096  # tensors of a block, at most, among which the one that is not finite is looked for


@dataclass(frozen=True)
class Why:
    """`likely`: what explains the draws best, with its log likelihood ratio; `facts`: what is certain."""

    likely: str | None = None
    log_ratio: float | None = None
    facts: tuple[str, ...] = ()


def explain(
    source: Source, law: Any, dtype: str, key: Key, samples: int, shape: Sequence[int], *,
    names: Mapping[str, Any] | None = None, mutants: Mapping[str, Any] | None = None, exact: bool = False,
) -> Why:  # fmt: skip
    """Why the tensors of `source` are not those of `law`, on draws of `key`'s stage for causes.

    samples: scalars that the decision took. names: the case's, with its fans, where they are known. mutants: wrong laws
    by name, which come first where the draws bear them. exact: a comparison without chance violated.
    """
    draws = fresh(source, dtype, key, samples, max(1, math.prod(shape)))
    if isinstance(law, Constant) and (draws.flat == draws.fmt.round(law.value)).all():
        return Why(facts=(_few_seeds(draws),))
    if fact := facts.found(draws.tensors, law):
        return Why(facts=(fact,))
    if far := _out_of_range(draws, law):
        return Why(facts=(far,))
    if isinstance(law, Orthogonal):
        return _of_matrices(draws, law, exact)
    if isinstance(law, Constant):
        return Why(facts=(_of_constant(draws, law.value),))
    return _of_entries(draws, law, shape, names or {}, mutants or {})


def _out_of_range(draws: Draws, law: Any) -> str:
    """What is said of values whose fourth powers leave the range of float64: no family can be asked for."""
    largest, std = float(np.abs(draws.flat).max()), float(getattr(law, "std", 1.0))
    if _LEAST < largest < 1 / _LEAST:
        return ""
    return f"values go up to {number(largest)}" + (f", {number(largest / std)} times the law's std" if std else "")


def explained(finding: Finding, why: Why) -> Finding:
    """A violation with its cause; what it said already stays."""
    facts = why.facts if why.facts or why.likely or finding.detail else ("no usual mistake explains the draws",)
    detail = "; ".join(filter(None, [finding.detail, *facts]))
    return msgspec.structs.replace(finding, likely=why.likely, likely_log_ratio=why.log_ratio, detail=detail)


def broken(source: Source, law: Any, key: Key, error: Exception, seed_of: SeedOf | None = None) -> Finding | None:
    """What a broken contract is where a fact explains it, as a violation: not finite, never changing, never written.

    The block that broke it is drawn again, tensor by tensor, up to the first that is not finite; `seed_of` gives the
    seed that a user's function got for a tensor of it.
    """
    block = next(iter(getattr(error, "seeds", ())), key.at(block=0).seed)
    seen: list[Floats] = []
    for x in islice(hosted(source(block, _REDRAWN)), _REDRAWN):
        enough = 4 if x.size >= facts.TELLING else facts.TELLING
        seen = [*seen[: enough - 1], x]
        if not np.isfinite(x).all() or (len(seen) == enough and "not finite" not in str(error)):
            break
    fact = facts.found(seen, law)
    if not fact:
        return None
    used = f" (seed {seed_of(block, 0)})" if seed_of and "NaN" in fact else ""
    return Finding(outcome=Outcome.VIOLATES, quantity="values", samples=sum(x.size for x in seen), detail=fact + used)


def never_written(draw: Callable[[int], Any], shape: Sequence[int]) -> Finding | None:
    """Whether a user's function returns memory as it found it, as a violation."""
    fact = facts.never_written(lambda: next(hosted([draw(0)])), tuple(shape))
    return Finding(outcome=Outcome.VIOLATES, quantity="values", samples=math.prod(shape), detail=fact) if fact else None


def _of_constant(draws: Draws, value: float) -> str:
    masks = draws.stack != draws.fmt.round(value)
    wrong = draws.stack[masks]
    low, high = number(float(wrong.min())), number(float(wrong.max()))
    lines = lines_of(masks[0]) if (masks == masks[0]).all() and not masks.all() else ""
    if lines and low == high:
        return f"{lines} of each tensor: {low}, but should be {number(value)}"
    head = f"{len(wrong):,} of {draws.flat.size:,} values are not {number(value)}"
    ends = f"they go from {low} to {high}" if low != high else f"they are {low}"
    return f"{head}: {ends}" + (f", all in {lines}" if lines else "")


def _few_seeds(draws: Draws) -> str:
    return f"for some seeds only: {len(draws.tensors)} other tensors are right"


def _of_matrices(draws: Draws, law: Orthogonal, exact: bool) -> Why:
    """Not orthogonal, or orthogonal but not in every direction alike, which no single matrix shows (`exact`)."""
    told = matrices.not_orthogonal(draws, law.gain) or matrices.not_haar(draws) or next(copies.found(draws), "")
    return Why(likely=told) if told else Why(facts=(_few_seeds(draws) if exact else _DIRECTIONS,))


def _of_entries(
    draws: Draws, law: Any, shape: Sequence[int], names: Mapping[str, Any], mutants: Mapping[str, Any]
) -> Why:
    copied, often = list(copies.found(draws)), lattice.spots(draws)
    still = any(copies.STILL in fact for fact in copied)  # each of their values then comes up too often
    spotted = [] if still else list(lattice.told(draws, often, getattr(law, "parent_std", law.std)))
    coarse = list(lattice.found(draws, bool(copied or spotted)))
    few = any("different values:" in fact for fact in coarse)
    whole = [] if copied or spotted or (few and draws.fmt.digits < 24) else list(matrices.found(draws))
    kept = 1 - sum(spot.count for spot in often) / draws.flat.size
    values = _values(draws, often, bool(copied))
    found = _fitted(values, draws.fmt.unit, law, shape, {**names, "kept": kept})
    fitted = found is not None
    if found and (whole or any("clamped" in fact for fact in spotted)) and not found.same_family:
        found = None  # entries that depend on each other, or were cut off, are of no family
    loose = kept > _CLEAN and not (copied or whole or few)
    uneven = list(patterns.found(draws)) if loose else []
    if found and "the mean is" in found.likely and any("differ in mean" in fact for fact in uneven):
        found = None  # the mean of all is off because that of some lines is
    if uneven and found and not found.plain:
        found = None  # lines of several scales look like a family with heavy tails
    certain = [*copied, *spotted, *coarse, *whole]
    if not (certain or uneven or fitted) and values.size >= 64:
        certain = [laws.undescribed(values, law, draws.fmt.unit)]
    return _chosen([fact for fact in certain if fact], uneven, found, _named(draws, law, mutants))


def _values(draws: Draws, often: Sequence[lattice.Spot], copied: bool) -> Floats:
    """The values whose family is asked for: each once if there are copies, in random order."""
    x = draws.spread[~np.isin(draws.flat, [spot.value for spot in often])]
    return np.random.default_rng(0).permutation(np.unique(x) if copied else x)


def _fitted(x: Floats, unit: float, law: Any, shape: Sequence[int], names: Mapping[str, Any]) -> laws.Entries | None:
    fit = entries.best(x, law, unit) if x.size >= 16 and np.ptp(x) > 0 else None
    if x.size and entries.lawful(x, law, unit, fit) and not (fit and fit.strays):
        return laws.LAWFUL
    return laws.told(fit, x, law, shape, names) if fit else None


def _named(draws: Draws, law: Any, mutants: Mapping[str, Any]) -> tuple[str, float | None] | None:
    """The user's wrong law that the draws bear and that suits them best."""
    borne = {}
    for name, wrong in mutants.items():
        with np.errstate(divide="ignore"):
            loglik = float(np.asarray(wrong.logpdf(draws.spread)).sum())
        if (
            math.isfinite(loglik)
            and families.misfit(np.asarray(wrong.cdf(draws.spread)), draws.fmt.unit) < families.REFUSED
        ):
            borne[name] = loglik
    if not borne:
        return None
    name = max(borne, key=borne.__getitem__)
    with np.errstate(divide="ignore"):
        gain = borne[name] - float(np.asarray(law.logpdf(draws.spread)).sum())
    return (name, gain if math.isfinite(gain) else None) if gain > 0 else None


def _chosen(
    certain: Sequence[str], uneven: Sequence[str], found: laws.Entries | None, named: tuple[str, float | None] | None
) -> Why:
    told = [*certain, *uneven]
    if found:
        told += found.facts if named is None else [f for f in found.facts if "times the law's" not in f]
    if named:
        return Why(*named, facts=tuple(told[:_SHOWN]))
    if found and found.likely:
        return Why(found.likely, found.log_ratio, tuple(told[:_SHOWN]))
    return Why(facts=tuple(told[:_SHOWN]))
