"""What is drawn separately is unrelated: tensors, the gates that they pack, parts of one, instances of a series.

Equality is too narrow a net: a copy may be scaled, negated, shuffled, or cut to another shape. For entries of symmetric
laws the statistic T = sum(a b) / sqrt(sum(a^2 b^2)) needs no approximation: given all magnitudes its terms have
independent fair signs, so P(|T| >= t) <= 2 exp(-t^2 / 2), whatever the law (Hoeffding 1963). Alpha is shared among all
pairs. Shuffled copies leave T alone and are found by their sorted values.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.claims.verdict import Outcome
from varlaw.claims.weights.promise import Promise
from varlaw.claims.weights.structured import views
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, Format
from varlaw.evidence.state import float64
from varlaw.subjects.subject import Case, Sampler, Tensor
from varlaw.theory.variates import Rademacher, Sparse, TruncatedNormal

Floats = NDArray[np.float64]

_FOUND = 0.5  # correlation of two that must be found
_BEFORE = "{} of the instance before"
_WIDEST = 1 << 14  # entries of one tensor that are looked at
_SPLITS = (2, 3, 4)  # parts of one tensor, along its first and its last axis
_GATES = range(2, 9)  # blocks of the hidden size that a packed tensor may hold
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


@dataclass
class _Pair:
    """Two vectors, cut to one length, with the sums of their statistic over instances."""

    products: float = 0.0
    squares: float = 0.0
    n: int = 0
    sides: Floats = field(default_factory=lambda: np.zeros(2))  # squares of each

    def add(self, a: Floats, b: Floats) -> None:
        shared = min(a.size, b.size, _WIDEST)
        product = a[:shared] * b[:shared]
        self.products += float(product.sum())
        self.sides += np.array([a[:shared] @ a[:shared], b[:shared] @ b[:shared]])
        self.squares += float(product @ product)
        self.n += shared

    @property
    def correlation(self) -> float:
        """Of the two, about 0."""
        return self.products / math.sqrt(max(float(self.sides.prod()), 1e-300))

    @property
    def statistic(self) -> float:
        """T, whose size has sub-Gaussian tails of variance 1 when the two are unrelated."""
        return self.products / math.sqrt(self.squares) if self.squares else 0.0


def _uncorrelated(subject: Sampler, promised: list[Tensor], trial: Trial) -> Finding:
    """Instances are drawn until each pair holds as many entries as the correlation that must be found asks for."""
    laws = dict(_symmetric(subject, promised, trial))
    pairs: dict[tuple[str, str], _Pair] = {}
    short: list[tuple[str, str]] = []
    shuffled: list[tuple[str, str]] = []
    before: dict[str, Floats] = {}
    count = max(2, trial.policy.max_tensors)
    for i, instance in enumerate(subject.draws(trial.case, trial.dtype, trial.device, trial.key.seed, count)):
        there = {name: law for name, law in laws.items() if name in instance}
        raw = {name: float64(instance[name]) - getattr(law, "mean", 0.0) for name, law in there.items()}
        fresh = trial.key.at(block=i, stage=1).generator()
        mapped = ((name, _about_centre(raw[name], instance[name], law, trial, fresh)) for name, law in there.items())
        tensors = {name: _scaled(x) for name, x in mapped if x is not None}
        parts = {**dict(_parts(tensors, trial.case)), **before}
        if i == 0:
            shuffled = _shuffled(raw, FORMATS[trial.dtype])
            short = [*_separate(parts), *((f"{name}|", _BEFORE.format(name)) for name, x in tensors.items() if x.size)]
            pairs = {pair: _Pair() for pair in short}
        for one, other in short:
            if one in parts and other in parts:
                pairs[one, other].add(parts[one].ravel(), parts[other].ravel())
        before = {_BEFORE.format(name): x for name, x in tensors.items()}
        short = [pair for pair in short if pairs[pair].n < _needed(len(pairs), trial)]
        if i and not short:
            break
    if not pairs:
        msg = "there are no entries to compare"
        raise NotApplicable(msg)
    return _judged(pairs, shuffled, trial)


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


def _about_centre(x: Floats, given: Any, law: Any, trial: Trial, fresh: np.random.Generator) -> Floats | None:
    """The entries about their centre, x; of a law of whole tensors those that are independent, None where it breaks."""
    if isinstance(law, Sparse | Rademacher) or not (found := views(law, trial.dtype)):
        return x
    _, of_entries, pull = found[0]
    try:
        return np.asarray(pull(given, fresh) - of_entries.mean)
    except ValueError:  # what the law fixes is not so, which the claim on the tensor itself says
        return None


def _judged(pairs: Mapping[tuple[str, str], _Pair], shuffled: list[tuple[str, str]], trial: Trial) -> Finding:
    """Pairs that stayed short, for there were too few draws, count where they are related, and else are left out."""
    threshold, needed = _threshold(len(pairs), trial), _needed(len(pairs), trial)
    related = {pair for pair, sums in pairs.items() if abs(sums.statistic) >= threshold} | set(shuffled)
    decided = {pair for pair, sums in pairs.items() if sums.n >= needed} | related
    detail = ""
    if related:
        one, other = max(related, key=lambda pair: abs(pairs[pair].statistic) if pair in pairs else 0.0)
        sums = pairs.get((one, other), _Pair())
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


def _parts(tensors: Mapping[str, Floats], case: Case) -> Iterator[tuple[str, Floats]]:
    """Whole tensors, the blocks of the hidden size that they pack, and their halves, thirds and quarters.

    A part's name is its tensor's, a bar, and where it lies.
    """
    hidden = {case[key] for key in ("hidden_size", "embed_dim") if key in case}
    for name, x in tensors.items():
        yield f"{name}|", x
        for axis in {0, x.ndim - 1} if x.ndim else set():
            side = x.shape[axis]
            gates = {side // h for h in hidden if h and side % h == 0} & set(_GATES)
            for k in sorted({*gates, *(k for k in _SPLITS if side % k == 0)}):
                kind = "gate" if k in gates else "part"
                if x.size // k > 1:
                    for i, block in enumerate(np.split(x, k, axis=axis)):
                        yield f"{name}|{kind} {i + 1} of {k} along axis {axis}", block


def _separate(parts: Mapping[str, Floats]) -> Iterator[tuple[str, str]]:
    """Pairs without an entry in common: whole tensors, gates of all tensors, parts of one tensor in one cut."""
    cuts: dict[str, list[str]] = {}
    for label in parts:
        name, _, place = label.partition("|")
        kind, _, cut = place.partition(" of ")
        cuts.setdefault(f"{name}: {cut}" if kind.startswith("part") else cut, []).append(label)
    for labels in cuts.values():
        yield from itertools.combinations(labels, 2)


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
