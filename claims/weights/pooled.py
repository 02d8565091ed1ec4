"""Claims pooled over all the cases of a subject: an error that all of them share is found where no one of them could.

A case decides 5 % at policy `pr`; the same promise, with the entries of every case divided by its own lawful scale, is
one sample of one law, large enough for 1 %. How small an error is looked for depends on the sizes of the tensors alone,
before a draw.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.claims import causes
from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, statistical
from varlaw.claims.documented import law_name
from varlaw.claims.weights.promise import Promise
from varlaw.evidence.decide import SamplerError, decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.state import float64
from varlaw.subjects.subject import Sampler, Tensor
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange

_INDEPENDENT = re.compile(r"Normal|TruncatedNormal|Uniform|\w+_(normal|truncated|uniform)\b")
_TENSORS = 1000  # most tensors that a pool draws: building a layer may take milliseconds
_COARSE = 0.1  # of a std between neighbours: rounding before the division is off by at most 1e-3 of the variance
_DRAWS = (
    25.0  # scalars that settle delta = 1, and a fifth more: a normal law takes 20.5/delta^2 on average, others less
)

_Standard = Normal | TruncatedNormal | Uniform | UniformRange


def claims(subject: Sampler) -> tuple[Claim, ...]:
    """The pooled claim of every tensor of independent entries."""
    return tuple(_claim(subject, tensor) for tensor in subject.tensors if _INDEPENDENT.match(tensor.documented))


def _claim(subject: Sampler, tensor: Tensor) -> Claim:
    promise = Promise(subject, tensor, tensor.documented)
    return Claim(
        name="init.pooled",
        law=law_name(tensor.documented),
        statement=f"{tensor.documented}, all cases together",
        subject=subject,
        target=f"{subject.name}.{tensor.name}" if tensor.name else subject.name,
        op=subject.op,
        judge=lambda trial: _judge(promise, trial),
        pooled=True,
    )


def _judge(promise: Promise, trial: Trial) -> Finding:
    try:
        return _pooled(promise, trial)
    except SamplerError as error:  # perhaps for a fact that is itself the violation, such as zeros alone
        case = trial.case["cases"][0]
        fact = causes.broken(promise.source(replace(trial, case=case)), promise.law(case), trial.key, error)
        if fact is None:
            raise
        return fact


def _pooled(promise: Promise, trial: Trial) -> Finding:
    pool = _Pool(promise, trial)
    delta = max(trial.policy.pooled, math.sqrt(_DRAWS / (_TENSORS * pool.size)))
    if delta >= trial.policy.delta:
        msg = f"{_TENSORS} tensors of {pool.size:g} scalars certify no more than one case does"
        raise NotApplicable(msg)
    policy = replace(trial.policy, delta=delta, beta=min(trial.policy.beta, 1e-6), max_tensors=2 * _TENSORS)
    decision = decide(pool.law, pool.source, policy, trial.key, dtype=trial.dtype, shape=False)
    return statistical(decision, policy, quantity="std over the lawful one", expected=1.0)


class _Pool:
    """The cases in turn, each tensor divided by the lawful scale of its case."""

    def __init__(self, promise: Promise, trial: Trial) -> None:
        self._promise, self._trial = promise, trial
        self._cases = trial.case["cases"]
        laws = [promise.law(case) for case in self._cases]
        self.law = _standard(laws, trial).scaled(trial.factor)
        # Where a limit is rounded up to the format, it must not stand out beyond the law's own.
        edge = 1.0 if isinstance(self.law, Normal) else 1 + 2 * FORMATS[trial.dtype].unit
        self._units = [_divided(law)[0] * edge for law in laws]
        self.size = float(np.mean([next(self._tensors(j, trial.key.seed, 1)).size for j in range(len(laws))]))

    def source(self, seed: int, count: int) -> Iterator[Any]:
        """`count` tensors, one of each case in turn, from one that the seed picks.

        Each stream is drawn and closed before the next: a framework may hold its global seed while one is open.
        """
        cases = len(self._cases)
        drawn = [
            list(self._tensors((seed + i) % cases, seed, -(-(count - i) // cases))) for i in range(min(count, cases))
        ]
        return (own[turn] for turn in range(-(-count // cases)) for own in drawn if turn < len(own))

    def _tensors(self, index: int, seed: int, count: int) -> Iterator[Any]:
        """Tensors of one case from a stream of its own: one seed would give all cases the same bits."""
        trial, own = self._trial, int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]) >> 1
        instances = self._promise.subject.draws(self._cases[index], trial.dtype, trial.device, own, count)
        for instance in instances:
            yield float64(instance[self._promise.tensor.name]) / self._units[index]


def _divided(law: Any) -> tuple[float, _Standard]:
    """The lawful scale, and the law of entries divided by it."""
    match law:
        case Uniform():
            return law.bound, Uniform(1.0)
        case TruncatedNormal():
            return law.parent_std, TruncatedNormal(1.0, law.low, law.high, law.parent_mean / law.parent_std)
        case UniformRange():
            return law.bound, law.scaled(1 / law.bound)
        case Normal() if law.mean:
            return law.std, Normal(1.0, law.mean / law.std)
    return law.std, Normal(1.0)


def _standard(laws: list[Any], trial: Trial) -> _Standard:
    standard = {_divided(law)[1] for law in laws}
    if len(standard) > 1:
        msg = "the cases follow laws of different shapes"
        raise NotApplicable(msg)
    (law,) = standard
    if isinstance(law, Normal):
        if FORMATS[trial.dtype].spacing(law.mean) > _COARSE:
            msg = f"a mean of {law.mean:g} stds in {trial.dtype}: each case is rounded in its own way"
            raise NotApplicable(msg)
        return law
    if FORMATS[trial.dtype].digits < FORMATS["float32"].digits:
        msg = f"{trial.dtype} rounds the limit of each case in its own way"
        raise NotApplicable(msg)
    return law
