"""What must hold of a model's parameters as a set: all initialised, separately, and none constant by accident."""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.models.draws import Drawn, drawn, floats
from varlaw.evidence.exact import compare
from varlaw.subjects.subject import UNPROMISED, Model, Parameter

Floats = NDArray[np.float64]

_NAMED = 6
_MAY_BE_CONSTANT = ("norm_scale", "bias", "vector", "buffer")


def claims(subject: Model) -> tuple[Claim, ...]:
    """The structural claims on one model."""
    table = [
        ("initialised", "parameters.coverage", "every parameter and buffer is set", _initialised),
        ("distinct", "parameters.coincidence", "parameters are drawn separately", _distinct),
        ("uncorrelated", "parameters.coincidence", "parameters of one shape are uncorrelated", _uncorrelated),
        ("constant", "parameters.coincidence", "no weight is constant", _constant),
    ]
    if subject.cases:
        table.append(("complete", "parameters.coverage", "every parameter has a promise", _complete))
    if subject.rebuilt:
        text = "built without memory and then initialised, every parameter and buffer is set, constants as before"
        table.append(("meta", "parameters.coverage", text, _meta))
    return tuple(_claim(subject, f"structure.{name}", law, text, judge) for name, law, text, judge in table)


def _claim(subject: Model, name: str, law: str, text: str, judge: Callable[[Model, Trial], Finding]) -> Claim:
    return Claim(
        name=name, law=law, statement=text, subject=subject, target=subject.name, op="model_once",
        judge=lambda trial: judge(subject, trial),
    )  # fmt: skip


def pattern(name: str) -> str:
    """A parameter's name with its numbers starred, so that layers of one kind read alike.

    >>> pattern("h.0.attn.c_proj.weight")
    'h.*.attn.c_proj.weight'
    """
    return re.sub(r"(?<=\.)\d+(?=\.|$)|^\d+(?=\.)", "*", name)


def _complete(subject: Model, trial: Trial) -> Finding:
    instances = drawn(subject, trial)
    promised = {n: p for n, p in instances.parameters.items() if p.role != "buffer"}
    bad = [n for n, p in promised.items() if p.role == UNPROMISED]
    return _counted(len(promised) - len(bad), len(promised), bad, "parameters that have a law", trial)


def _counted(good: int, total: int, bad: Iterable[str], quantity: str, trial: Trial) -> Finding:
    """`good` of `total` as a finding: the ratio is their share, `bad` are named, alike ones once."""
    if total == 0:
        msg = f"there are no {quantity.split(' that')[0]}"
        raise NotApplicable(msg)
    kinds: dict[str, int] = {}
    listed = list(bad)
    for name in listed:
        kinds[pattern(name)] = kinds.get(pattern(name), 0) + 1
    words = [f"{n} ({k})" if k > 1 else n for n, k in kinds.items()]
    more = f" and {len(words) - _NAMED} kinds more" if len(words) > _NAMED else ""
    detail = f"{len(listed)} of {total}: {', '.join(words[:_NAMED])}{more}" if listed else ""
    comparison = compare([good], [total], [1e-9 * total])  # a share written as a ratio is rounded
    names = {"total": total, "bad": total - good}
    return deterministic(comparison, quantity=quantity, detail=detail, names=names)


# -- set at all --------------------------------------------------------------------------------------------------------


def _initialised(subject: Model, trial: Trial) -> Finding:
    tensors = drawn(subject, trial).instance(0)
    bad = [name for name, x in tensors.items() if np.isnan(floats(x)).any()]
    return _counted(len(tensors) - len(bad), len(tensors), bad, "tensors that are initialised", trial)


def _meta(subject: Model, trial: Trial) -> Finding:
    """The framework's initialiser, run on memory full of NaN, sets all that building sets, to the same constants."""
    assert subject.rebuilt
    instances = drawn(subject, trial)
    direct, other = instances.instance(0), instances.instance(1)
    try:
        again = subject.rebuilt(trial.case, trial.dtype, trial.device, instances.key.seed)
    except LookupError as reason:
        raise NotApplicable(str(reason)) from reason
    bad = [name for name, x in direct.items() if name in again and _lost(floats(x), other[name], floats(again[name]))]
    bad += [f"{name} (gone)" for name in direct if name not in again]
    return _counted(len(direct) - len(bad), len(direct), bad, "tensors that are set from the meta device", trial)


def _lost(direct: Floats, other: object, again: Floats) -> bool:
    if np.isnan(direct).any():
        return False  # not set by building either: another claim says so
    if np.isnan(again).any() or again.shape != direct.shape:
        return True
    fixed = np.array_equal(direct, floats(other))
    return fixed and not np.array_equal(direct, again)


# -- apart from each other ---------------------------------------------------------------------------------------------


def _random(instances: Drawn) -> dict[str, Floats]:
    """The parameters that should be random and are, matrices of a stack one by one."""
    found: dict[str, Floats] = {}
    for name, p in instances.parameters.items():
        if p.role in _MAY_BE_CONSTANT or p.intentional:
            continue
        x = instances.entries(name, 0)
        if p.role == "table" and np.array_equal(x, instances.entries(name, 1)):
            continue  # computed, not drawn
        for label, part in _parts(name, p, x):
            if part.size > 1 and np.isfinite(part).all() and np.ptp(part) > 0:
                found[label] = part
    return found


def _parts(name: str, p: Parameter, x: Floats) -> Iterator[tuple[str, Floats]]:
    if p.stacked and x.ndim >= 3:
        yield from ((f"{name}[{i}]", part) for i, part in enumerate(x))
    else:
        yield name, x


def _pairs(tensors: Mapping[str, Floats]) -> Iterator[tuple[str, str]]:
    shapes: dict[tuple[int, ...], list[str]] = {}
    for name, x in tensors.items():
        shapes.setdefault(x.shape, []).append(name)
    for group in shapes.values():
        yield from itertools.combinations(group, 2)


def _distinct(subject: Model, trial: Trial) -> Finding:
    tensors = _random(drawn(subject, trial))
    pairs = list(_pairs(tensors))
    same = [f"{a} = {b}" for a, b in pairs if np.array_equal(tensors[a], tensors[b])]
    return _counted(len(pairs) - len(same), len(pairs), same, "pairs of parameters that differ", trial)


_FEWEST = 448  # entries of a tensor whose correlation is looked at: one of a half is found among a thousand pairs


def _uncorrelated(subject: Model, trial: Trial) -> Finding:
    """Correlations of all pairs of one shape, as Fisher's z, against the largest that chance makes among so many.

    A correlation r of n independent entries has sqrt(n - 1) r of variance 1; atanh brings its tails to the normal's.
    Delta is the correlation that is found of the shortest pair.
    """
    from scipy.stats import norm

    tensors = {n: x for n, x in _random(drawn(subject, trial)).items() if x.size >= _FEWEST}
    shapes: dict[tuple[int, ...], list[str]] = {}
    for name, x in tensors.items():
        shapes.setdefault(x.shape, []).append(name)
    pairs = sum(math.comb(len(group), 2) for group in shapes.values())
    bad: list[str] = []
    limit = norm.isf(trial.policy.alpha / (2 * max(1, pairs)))
    for shape, group in shapes.items():
        z = _fisher([tensors[name] for name in group], math.prod(shape))
        bad += [f"{group[i]} ~ {group[j]}" for i, j in zip(*np.nonzero(np.triu(z > limit, 1)), strict=True)]
    finding = _counted(pairs - len(bad), pairs, bad, "pairs of parameters that are uncorrelated", trial)
    shortest = min(math.prod(shape) for shape, group in shapes.items() if len(group) > 1)
    found = math.tanh((limit + norm.isf(trial.policy.beta)) / math.sqrt(shortest - 3))
    risks = {"alpha": trial.policy.alpha, "beta": trial.policy.beta}
    return replace(finding, delta=found, certified=None if bad else found, **risks)


def _fisher(tensors: list[Floats], n: int) -> Floats:
    x = np.stack([t.ravel() - t.mean() for t in tensors])
    x /= np.sqrt((x**2).sum(axis=1, keepdims=True))
    r = np.clip(np.abs(x @ x.T), 0.0, 1 - 1e-15)
    result: Floats = np.arctanh(r) * math.sqrt(n - 3)
    return result


def _constant(subject: Model, trial: Trial) -> Finding:
    instances = drawn(subject, trial)
    judged = {
        name: instances.entries(name, 0)
        for name, p in instances.parameters.items()
        if p.role not in _MAY_BE_CONSTANT and not p.intentional and math.prod(p.shape) > 1
    }
    bad = [name for name, x in judged.items() if x.size > 1 and np.ptp(x) == 0]
    return _counted(len(judged) - len(bad), len(judged), bad, "weights that are not constant", trial)
