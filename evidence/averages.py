"""The mean of independent numbers of which nothing is known but that they are not too heavy-tailed.

Nothing is asked of their family or limits, only that their kurtosis is at most `kurtosis`. A pilot of independent pairs
(x, x') first bounds their variance: the mean of (x - x')^2 / 2, times `_SLACK`. Numbers that are never negative seldom
average far below their mean (Maurer 2003, J. Inequal. Pure Appl. Math. 4), so the bound fails with probability at most
exp(-pairs (1 - 1/_SLACK)^2 / (kurtosis + 3)), and the pairs are chosen for the pilot's share of alpha.

Then, for a mean of m or less and a variance of v or less, exp(sum psi(s (x - m)) - n s^2 v / 2) with Catoni's
psi(u) = sign(u) ln(1 + |u| + u^2/2) is a supermartingale for every stake s (Wang and Ramdas 2023, arXiv:2202.01250).
Guarantees, for n looked at as often as one likes, with `error` the absolute error of the mean that must be found:

* VIOLATES with probability at most alpha when the mean is within `band` of the law's;
* CONFORMS with probability at most beta when it is `error` or more away.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.sequential import Word
from varlaw.evidence.spending import MEAN_ALPHA, threshold
from varlaw.evidence.streams import Key

Floats = NDArray[np.float64]
Numbers = Callable[[int, int], Floats]  # (seed, count) -> count independent numbers

_SLACK = 3.0
BLOCK = 4096  # numbers drawn at a time
FEW = 64  # numbers drawn twice, to see whether they repeat
_MOST = 1 << 22  # numbers after which a decision stays open


class Average(msgspec.Struct, frozen=True, kw_only=True):
    """What the draws say of a mean; the interval is that of the mean itself and always valid."""

    outcome: Word
    n: int
    mean: float
    interval: tuple[float, float]
    log_evidence: float


@dataclass(frozen=True)
class Mean:
    """The law on trial: a mean, what rounding may do to it, the error to be found, and the heaviest lawful tails."""

    value: float
    error: float
    band: float = 0.0
    kurtosis: float = 30.0
    block: int = BLOCK  # numbers drawn at a time


def decide(law: Mean, source: Numbers, policy: Policy, key: Key) -> Average:
    """Decide whether independent numbers have the law's mean.

    Raises `SamplerError` when a number is not finite, or when the numbers do not repeat or do not depend on the seed.

    >>> from varlaw.evidence.budget import POLICIES
    >>> draw = lambda seed, count: np.random.default_rng(seed).normal(size=count) ** 2
    >>> decide(Mean(1.0, error=0.1), draw, POLICIES["pr"], Key("salt", "doc")).outcome
    'CONFORMS'
    """
    if not 0 <= law.band < law.error:
        msg = f"band={law.band:g}, but should be >= 0 and less than the error {law.error:g} that is to be found"
        raise ValueError(msg)
    _guard(source, key)
    variance = max(_SLACK * _pilot(law, source, policy, key), (law.error / 16) ** 2)
    test = _Test(law, variance, policy)
    while test.outcome == "UNDECIDED" and test.n < test.cap:
        test.add(_drawn(source, key.at(block=len(test.seen)), law.block))
    x = np.concatenate(test.seen)
    return Average(
        outcome=test.outcome, n=test.n, mean=float(x.mean()), interval=test.interval(x), log_evidence=test.violation
    )


def pairs(kurtosis: float, alpha: float) -> int:
    """Pairs of a pilot whose bound on the variance fails with at most the pilot's share of alpha.

    >>> pairs(30.0, 1e-12)
    2104
    """
    return math.ceil((kurtosis + 3) * threshold(alpha, MEAN_ALPHA["pilot"]) / (1 - 1 / _SLACK) ** 2)


def _pilot(law: Mean, source: Numbers, policy: Policy, key: Key) -> float:
    count = max(2, -(-2 * pairs(law.kurtosis, policy.alpha) // law.block))
    blocks = [_drawn(source, key.at(block=b, stage=2), law.block) for b in range(count)]
    x = np.concatenate(blocks)
    if np.array_equal(blocks[0], blocks[1]) and np.ptp(x) > 0:  # numbers without chance may all be one
        msg = f"the experiment ignores its seed: {key.at(block=1, stage=2).seed} gives what another seed gives"
        raise SamplerError(msg, key.at(block=1, stage=2).seed)
    return float(np.mean(np.square(x[0::2] - x[1::2])) / 2)


def _drawn(source: Numbers, key: Key, count: int) -> Floats:
    x = np.asarray(source(key.seed, count), dtype=np.float64)
    if x.shape != (count,):
        msg = f"an experiment returned an array of shape {x.shape}, but should return ({count},)"
        raise SamplerError(msg, key.seed)
    if not np.isfinite(x).all():
        msg = f"the experiment returned values that are not finite at seed {key.seed}"
        raise SamplerError(msg, key.seed)
    return x


def _guard(source: Numbers, key: Key) -> None:
    """Same seed, same numbers: what is decided can be seen again."""
    seed = key.at(block=0, stage=3).seed
    if not np.array_equal(source(seed, FEW), source(seed, FEW)):
        msg = f"the experiment gives other values when seed {seed} is used again"
        raise SamplerError(msg, seed)


def _psi(u: Floats) -> Floats:
    size = np.abs(u)
    return np.copysign(np.log1p(size + size * size / 2), u)


class _Test:
    """The bets against means on both sides of the law's, with stakes that grow fastest at given errors.

    A bet is (mean, sign, error): that the mean lies beyond `mean`, above it for sign 1, by about `error`.
    """

    def __init__(self, law: Mean, variance: float, policy: Policy) -> None:
        self.variance, self.policy = variance, policy
        step, signs = law.error - law.band, (1, -1)
        self._against = [(law.value + s * law.band, s, step * 4**j) for s in signs for j in range(4)]
        self._for = [(law.value + s * law.error, -s, law.error) for s in signs]
        self._logs = np.zeros(len(self._against) + len(self._for))
        self.seen: list[Floats] = []
        self.cap = min(math.ceil(4 * threshold(policy.alpha, MEAN_ALPHA["bets"]) * self._spread(step) / step**2), _MOST)
        # The stake of the interval: that which is best where a lawful mean is expected to conform.
        usual = -math.log(policy.beta) * 3 * variance / law.error**2 + law.block
        self._width = math.sqrt(2 * math.log(2 / policy.gamma) * self._spread(0.0) / usual)

    @property
    def n(self) -> int:
        """Numbers seen."""
        return sum(map(len, self.seen))

    def add(self, x: Floats) -> None:
        """Settle all bets on further numbers."""
        self.seen.append(x)
        self._logs += [self._log(x, *bet) for bet in (*self._against, *self._for)]

    @property
    def violation(self) -> float:
        """Log e-value against every mean within the band: a mixture of both signs and four sizes of error."""
        many = len(self._against)
        return float(np.logaddexp.reduce(self._logs[:many]) - math.log(many))

    @property
    def outcome(self) -> Word:
        """The first of both statements whose risk allows it."""
        if self.violation >= threshold(self.policy.alpha, MEAN_ALPHA["bets"]):
            return "VIOLATES"
        conforms = self._logs[len(self._against) :].min() >= -math.log(self.policy.beta - self.policy.alpha)
        return "CONFORMS" if conforms else "UNDECIDED"

    def interval(self, x: Floats) -> tuple[float, float]:
        """The means that bets of one stake do not refute at gamma / 2 a side."""
        low, high = (float(x.mean()) + side * self._reach(x, side) for side in (-1, 1))
        return low, high

    def _reach(self, x: Floats, side: int) -> float:
        """The distance from the mean of the numbers, on one side, at which a mean is refuted."""
        centre, refuted = float(x.mean()), math.log(2 / self.policy.gamma)
        near, far = 0.0, self._width
        while self._log(x, centre + side * far, -side, self._width) < refuted:
            near, far = far, 2 * far
        while far - near > 1e-3 * far:
            middle = (near + far) / 2
            lost = self._log(x, centre + side * middle, -side, self._width) >= refuted
            near, far = (near, middle) if lost else (middle, far)
        return far

    def _spread(self, error: float) -> float:
        return self.variance * (1 + 1 / _SLACK) + error**2

    def _log(self, x: Floats, mean: float, sign: int, error: float) -> float:
        stake = error / self._spread(error)
        return float(_psi(sign * stake * (x - mean)).sum() - len(x) * stake**2 * self.variance / 2)
