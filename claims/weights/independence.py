"""What is drawn separately is unrelated: tensors, the gates that they pack, parts of one, instances of a series.

Equality is too narrow a net: a copy may be scaled, negated, shuffled, or cut to another shape. For entries of symmetric
laws the statistic T = sum(a b) / sqrt(sum(a^2 b^2)) needs no approximation: given all magnitudes its terms have
independent fair signs, so P(|T| >= t) <= 2 exp(-t^2 / 2), whatever the law (Hoeffding 1963). Alpha is shared among all
pairs. Shuffled copies leave T alone and are found by their sorted values.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.verdict import Outcome
from varlaw.claims.weights.promise import Promise
from varlaw.claims.weights.relations import Pair, Relations
from varlaw.claims.weights.structured import View, views
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, Format
from varlaw.evidence.state import float64
from varlaw.subjects.subject import Sampler, Tensor
from varlaw.theory.variates import Rademacher, Sparse, TruncatedNormal

Floats = NDArray[np.float64]

_FOUND = 0.5  # correlation of two that must be found
_DISTINCT = 16  # entries from which on equal sorted values are no chance
_UNSYMMETRIC = ("Constant", "Identity", "Dirac", "Orthogonal")


def claims(subject: Sampler) -> tuple[Claim, ...]:
    """The claim on all random tensors of one sampler, if it has any whose entries have independent signs."""
    tensors = [t for t in subject.tensors if not t.documented.startswith(_UNSYMMETRIC)]
    if not tensors:
        return ()
    return (
        Claim(
            name="structure.uncorrelated", law="shards.correlation_std", subject=subject, target=subject.name,
            statement="tensors, their gates and parts, and successive instances are unrelated", op=subject.op,
            judge=lambda trial: _uncorrelated(subject, tensors, trial),
        ),
    )  # fmt: skip


def _uncorrelated(subject: Sampler, promised: list[Tensor], trial: Trial) -> Finding:
    """Instances are drawn until each pair holds as many entries as the correlation that must be found asks for."""
    centred = _Centred(dict(_symmetric(subject, promised, trial)), trial)
    count = max(2, trial.policy.max_tensors)
    instances = iter(subject.draws(trial.case, trial.dtype, trial.device, trial.key.seed, count))
    raw, first = centred(next(instances), 0)
    shuffled = _shuffled(raw, FORMATS[trial.dtype])
    relations, drawn = Relations({name: x.shape for name, x in first.items()}, trial.case), 1
    if not relations.count:
        msg = "there are no entries to compare"
        raise NotApplicable(msg)
    needed = _needed(relations.count, trial)
    relations.update(_stacked([first]), needed)
    while group := list(itertools.islice(instances, relations.wanted(needed))):
        mapped = (centred(instance, i)[1] for i, instance in enumerate(group, drawn))
        for _, alike in itertools.groupby(mapped, key=lambda tensors: {name: x.shape for name, x in tensors.items()}):
            relations.update(_stacked(list(alike)), needed)
        drawn += len(group)
    return _judged(relations.pairs(), shuffled, trial)


def _stacked(instances: list[dict[str, Floats]]) -> dict[str, Floats]:
    """Each tensor of instances of the same shapes, a row each."""
    return {name: np.stack([tensors[name] for tensors in instances]) for name in instances[0]}


class _Centred:
    """The tensors of an instance about their centres, each over its root mean square."""

    def __init__(self, laws: Mapping[str, Any], trial: Trial) -> None:
        self._laws, self._key = laws, trial.key
        self._views = {name: _view(law, trial.dtype) for name, law in laws.items()}

    def __call__(self, instance: Mapping[str, Any], i: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """As they were given, and what of them is independent, but for those that do not have what their law fixes."""
        there = [name for name in self._laws if name in instance]
        raw = {name: float64(instance[name]) - getattr(self._laws[name], "mean", 0.0) for name in there}
        if any(self._views[name] for name in there):
            fresh = self._key.at(block=i, stage=1).generator()
            pulled = {name: _pulled(self._views[name], raw[name], instance[name], fresh) for name in there}
            return raw, {name: _scaled(x) for name, x in pulled.items() if x is not None}
        return raw, {name: _scaled(x) for name, x in raw.items()}


def _threshold(pairs: int, trial: Trial) -> float:
    """What |T| of none of so many pairs reaches by chance, but for the risk."""
    return math.sqrt(2 * math.log(2 * pairs / trial.policy.alpha))


def _wander(trial: Trial) -> float:
    """How far apart two measurements of one T lie, but for the risk: each has an error of about 1."""
    return math.sqrt(2) * math.sqrt(2 * math.log(2 / trial.policy.beta))


def _needed(pairs: int, trial: Trial) -> float:
    """Entries of a pair with which T is far beyond its threshold where the correlation is the one to be found.

    Of normal entries T is correlation * sqrt(n / (1 + 2 correlation^2)), with an error of about 1.
    """
    return (2 * _threshold(pairs, trial) / _FOUND) ** 2


def _symmetric(subject: Sampler, promised: list[Tensor], trial: Trial) -> Iterator[tuple[str, Any]]:
    """The tensors whose law is symmetric in this case, each with its law."""
    for tensor in promised:
        law = Promise(subject, tensor, tensor.documented).law(trial.case)
        if not (isinstance(law, TruncatedNormal) and law.low != -law.high):
            yield tensor.name, law


def _view(law: Any, dtype: str) -> View | None:
    """How a law of whole tensors is mapped to entries that are independent; None where its own are."""
    found = () if isinstance(law, Sparse | Rademacher) else views(law, dtype)
    return found[0] if found else None


def _pulled(view: View | None, x: Floats, given: Any, fresh: np.random.Generator) -> Floats | None:
    """The entries about their centre, x; of a law of whole tensors those that are independent, None where it breaks."""
    if view is None:
        return x
    _, of_entries, pull = view
    try:
        return np.asarray(pull(given, fresh) - of_entries.mean)
    except ValueError:  # what the law fixes is not so, which the claim on the tensor itself says
        return None


def _judged(pairs: Mapping[tuple[str, str], Pair], shuffled: list[tuple[str, str]], trial: Trial) -> Finding:
    """Pairs that stayed short, for there were too few draws, count where they are related, and else are left out."""
    threshold, needed = _threshold(len(pairs), trial), _needed(len(pairs), trial)
    related = {pair for pair, sums in pairs.items() if abs(sums.statistic) >= threshold} | set(shuffled)
    decided = {pair for pair, sums in pairs.items() if sums.n >= needed} | related
    detail = ""
    if related:
        one, other = max(related, key=lambda pair: abs(pairs[pair].statistic) if pair in pairs else 0.0)
        sums = pairs.get((one, other), Pair())
        how = "the same values, shuffled"
        if abs(sums.statistic) >= threshold:
            how = f"T = {sums.statistic:.1f}, correlation {sums.correlation:.2f}"
        detail = f"related: {one.rstrip('|')} and {other.rstrip('|')} ({how}), {len(related)} pairs in all"
    samples, quantity = sum(sums.n for sums in pairs.values()), "pairs that are unrelated"
    if not decided:
        few = f"no pair has the {math.ceil(needed):,} entries that show a correlation of {_FOUND:g}"
        return Finding(
            outcome=Outcome.UNDECIDED, quantity=quantity, detail=few, samples=samples, delta=_FOUND,
            alpha=trial.policy.alpha, beta=trial.policy.beta,
        )  # fmt: skip
    margins = (abs(abs(pairs[pair].statistic) - threshold) for pair in decided.difference(shuffled))
    near = sum(margin < _wander(trial) for margin in margins)  # pairs that a second measurement may see otherwise
    comparison = compare([len(decided) - len(related)], [len(decided)], [0.0], deviating=[float(near)])
    names = {"pairs": len(decided), "related": len(related)}
    finding = deterministic(comparison, quantity=quantity, detail=detail, names=names)
    risks = {"alpha": trial.policy.alpha, "beta": trial.policy.beta}
    return replace(finding, delta=_FOUND, certified=None if related else _FOUND, samples=samples, **risks)


def _scaled(x: Floats) -> Floats:
    """The tensor over its root mean square: squares of squares then stay in range."""
    size = float(np.sqrt(np.mean(np.square(x)))) if x.size else 0.0
    return x / size if size else x


def _shuffled(tensors: Mapping[str, Floats], fmt: Format) -> list[tuple[str, str]]:
    """Pairs of one size whose sorted values are the same, or minus the same; up to a factor where digits allow."""
    found = []
    ordered = {name: np.sort(x.ravel()) for name, x in tensors.items() if x.size >= _DISTINCT}
    for one, other in itertools.combinations(ordered, 2):
        a, b = ordered[one], ordered[other]
        if a.size == b.size and any(_alike(a, c, fmt) for c in (b, -b[::-1])):
            found.append((f"{one}|", f"{other}|"))
    return found


def _alike(a: Floats, b: Floats, fmt: Format) -> bool:
    """Bit for bit in 16 bits, where the quantiles of large tensors come close to each other by themselves."""
    if fmt.digits < 24:
        return np.array_equal(a, b)
    a, b = _scaled(a), _scaled(b)
    return bool(np.all(np.abs(a - b) <= 8 * fmt.unit * np.abs(a)))
