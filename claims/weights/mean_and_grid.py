"""Claims on the samplers that all others build on, with the many draws that small errors of 16 bits ask for.

A mean that is off by 1 % of a standard deviation, or a grid of 256 values, leaves the variance as it should be. Sums of
zero-mean normal, uniform and symmetrically truncated normal numbers are sub-Gaussian with their own variance, so
P(|sum z| >= t sqrt(n)) <= 2 exp(-t^2 / 2) exactly; n is computed from the shift that must be found. The mean is told as
1 + mean/std, so that a deviation can foresee a ratio.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.documented import law_name
from varlaw.claims.verdict import Outcome
from varlaw.claims.weights.promise import Promise
from varlaw.evidence.atoms import atoms
from varlaw.evidence.decide import reduced
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.grid import Grid
from varlaw.evidence.state import State, float64
from varlaw.subjects.subject import Sampler, Tensor
from varlaw.theory.variates import Uniform

Judging = Callable[[Promise, Trial], Finding]

_GRID_ROWS = 128  # of the tensor: 2^18 entries, a few thousand different values in bfloat16
# Shift of the mean, in standard deviations, that must be found: by policy, and more closely where a format is coarse.
_SHIFTS = {"pr": 0.01, "nightly": 0.005, "release": 0.002}
_COARSE = 0.5  # in 16 bits half of that


def claims(subject: Sampler) -> tuple[Claim, ...]:
    """The claims on a sampler of tensors of any shape; initialisers of layers draw from such ones."""
    if subject.op != "shape":
        return ()
    return tuple(claim for tensor in subject.tensors for claim in _tensor_claims(subject, tensor))


def _tensor_claims(subject: Sampler, tensor: Tensor) -> Iterator[Claim]:
    if tensor.documented.startswith(("Constant", "Identity", "Dirac", "Orthogonal")):
        return
    promise = Promise(subject, tensor, tensor.documented)
    table: tuple[tuple[str, str, Judging], ...] = (
        ("init.mean", "the mean is 0", _mean),
        ("init.grid", "as many different values as the format gives, none of them too often", _grid),
    )
    for name, statement, judging in table:
        yield Claim(
            name=name, law=law_name(tensor.documented), statement=statement, subject=subject,
            target=f"{subject.name}.{tensor.name}" if tensor.name else subject.name, op="bulk",
            judge=_bind(judging, promise),
        )  # fmt: skip


def _bind(judging: Judging, promise: Promise) -> Callable[[Trial], Finding]:
    return lambda trial: judging(promise, trial)


def _mean(promise: Promise, trial: Trial) -> Finding:
    fmt, alpha, beta = FORMATS[trial.dtype], trial.policy.alpha, trial.policy.beta
    grid = Grid(promise.law(trial.case), fmt)
    shift = _SHIFTS.get(trial.policy.name, trial.policy.delta) * (_COARSE if fmt.digits < 24 else 1.0)
    found, missed = (math.sqrt(2 * math.log(2 / risk)) for risk in (alpha, beta))
    needed, state, block = ((found + missed) / shift) ** 2, State(), 0
    while state.n < needed:
        source = promise.source(trial)
        for x in source(trial.key.at(block=block).seed, 1):
            state += reduced(x, grid, trial.key.at(block=block).generator())
        block += 1
    mean, spread = state.total / state.n, 1 / math.sqrt(state.n)
    half_open = 2.0**-23 * grid.law.bound / grid.law.std if isinstance(grid.law, Uniform) else 0.0  # [-a, a) by 24 bits
    lawful = abs(1 + mean - trial.factor) <= found * spread + half_open
    wide = math.sqrt(2 * math.log(2 / trial.policy.gamma)) * spread
    return Finding(
        outcome=Outcome.CONFORMS if lawful else Outcome.VIOLATES, quantity="1 + mean/std", expected=1.0,
        observed=1 + mean, ratio=1 + mean, interval=(1 + mean - wide, 1 + mean + wide), samples=state.n, delta=shift,
        certified=shift if lawful else None, alpha=alpha, beta=beta, log_evidence=(mean / spread) ** 2 / 2,
    )  # fmt: skip


def _grid(promise: Promise, trial: Trial) -> Finding:
    """Different values, and how often the commonest comes up, among 2^18 entries."""
    case = {**trial.case, "shape": [_GRID_ROWS, trial.case["shape"][1]]}
    (instance,) = promise.subject.draws(case, trial.dtype, trial.device, trial.key.seed, 1)
    x: Any = float64(instance[promise.tensor.name])
    return judged_values(x, promise.law(trial.case), trial.dtype, trial.policy.alpha)


def judged_values(x: Any, law: Any, dtype: str, alpha: float) -> Finding:
    """Whether `x` holds as many different values as `law`, rounded to `dtype`, gives, and none of them too often."""
    found = atoms(law, FORMATS[dtype], np.ravel(x), alpha)
    detail = "" if found.count <= found.most else f"{found.value + 0.0:.6g} comes up {found.count} times of {found.n}"
    return Finding(
        outcome=Outcome.CONFORMS if found.lawful else Outcome.VIOLATES, quantity="different values",
        expected=found.expected, observed=float(found.distinct), ratio=found.distinct / found.expected,
        samples=found.n, delta=1 - found.fewest / found.expected, alpha=alpha, detail=detail,
    )  # fmt: skip
