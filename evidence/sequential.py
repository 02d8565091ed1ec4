"""The two tests of scale that a decision runs, each bound to one law, policy and format, for one run of looks.

Both answer `cap`, `parts`, `violation` and `outcome`, and report `ratio`, `interval` and `certified`. Their parts
are `scale`, `mean` and `extremes` for a normal law, `bounded_max`, `betting` and `bounded_moments` for a bounded one.
"""

import math
from typing import Literal

from varlaw.evidence import betting, bounded_max, bounded_moments, extremes, mean, scale
from varlaw.evidence.budget import Policy
from varlaw.evidence.formats import Format
from varlaw.evidence.spending import BOUNDED, NORMAL, SCALE_ALPHA, averaged, threshold
from varlaw.evidence.state import State
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, Variate

_FAR = 4.0  # a limit so many std away is not reached by enough draws to tell anything

Word = Literal["CONFORMS", "VIOLATES", "UNDECIDED"]


class ScaleTest:
    """`scale`, with `mean` and `extremes` beside it, bound to one law, policy and format, for one run of looks.

    The violation is the average of the e-values, by the weights of `spending`.
    Once the scale is settled, by the sequential or the terminal test, draws go on until the mean is, by either of its
    own, see `mean`.
    """

    def __init__(self, law: Normal, policy: Policy, fmt: Format) -> None:
        self._law, self._policy, self._eps0 = law, policy, fmt.null_band
        self._settled = self._centred = False
        self._cap = scale.cap(policy.delta, policy.alpha, policy.beta)
        self._last = mean.cap(policy.delta, policy.alpha, policy.beta)

    def cap(self, n: int) -> int:
        """Most scalars that may be drawn, `n` having been: the scale's cap, and then the mean's."""
        return self._cap if n < self._cap else max(self._cap, self._last)

    def parts(self, state: State) -> dict[str, float]:
        """The log e-value of each part, by what it looks at."""
        return {
            "std": scale.violation(state.n, state.squares, self._policy.delta, self._eps0),
            "mean": mean.violation(state),
            "largest": extremes.violation(state, self._law.std),
        }

    def violation(self, state: State) -> float:
        return averaged(NORMAL, **self.parts(state))

    def outcome(self, state: State, log_violation: float) -> Word:
        if log_violation >= threshold(self._policy.alpha, SCALE_ALPHA["sequential"]):
            return "VIOLATES"
        if not self._settled and state.n >= self._cap:
            low, high = scale.terminal_limits(state.n, self._policy.alpha, self._eps0)
            if not low <= state.squares <= high:
                return "VIOLATES"
            self._settled = True
        of_scale = scale.conformity(state.n, state.squares, self._policy.delta)
        self._settled = self._settled or of_scale >= scale.passing(self._policy.beta)
        return self._of_mean(state) if self._settled else "UNDECIDED"

    def _of_mean(self, state: State) -> Word:
        """The outcome once the scale is settled: that of the mean, by its exact test at the cap, once."""
        if self._centred or mean.centred(state, self._policy.delta, self._policy.beta):
            return "CONFORMS"
        if state.n < self._last:
            return "UNDECIDED"
        self._centred = abs(state.total) <= mean.terminal_limit(state.n, self._policy.alpha) * math.exp(self._eps0)
        return "CONFORMS" if self._centred else "VIOLATES"

    def ratio(self, state: State) -> float:
        return math.sqrt(state.squares / state.n)

    def interval(self, state: State) -> tuple[float, float]:
        return scale.interval(state.n, state.squares, self._policy.gamma)

    def certified(self, state: State) -> float | None:
        return scale.certified(state.n, state.squares, self._policy.beta)


class BoundedTest:
    """`bounded_max` for the limit and `betting` for the std on it, bound to one law, policy and format.

    The violation is the average of the e-values of the limit and, by `bounded_moments`, of std and mean. A sampler
    conforms when nothing lies beyond the limit and its std is settled: against every distribution within the limit, or,
    where that is beyond `_FAR` times the std and shows nothing, against other scales of the law, by `bounded_moments`.
    """

    def __init__(self, law: bounded_max.Bounded, policy: Policy, fmt: Format) -> None:
        self._law, self._policy, self._fmt = law, policy, fmt
        self._limit = bounded_max.limit(law, fmt)
        self._far = law.bound > _FAR * law.std
        # A limit in the middle of its rounding cell moves the variance by up to 3/4 (cell / limit)^2.
        self._eps0 = 0.5 * (fmt.spacing(self._limit) / law.bound) ** 2
        risks = policy.delta, policy.alpha, policy.beta
        self._cap = bounded_moments.cap(law, *risks) if self._far else betting.cap(law.kurtosis, self._reach(1), *risks)

    def cap(self, n: int) -> int:
        """Most scalars that may be drawn, however many have been."""
        return self._cap

    def parts(self, state: State) -> dict[str, float]:
        """The log e-value of each part, by what it looks at."""
        return {
            "largest": bounded_max.violation(self._law, state, self._policy.delta, self._fmt),
            "std": bounded_moments.of_std(self._law, self._centred(state), self._eps0),
            "mean": bounded_moments.of_mean(self._law, self._centred(state)),
        }

    def violation(self, state: State) -> float:
        return averaged(BOUNDED, **self.parts(state))

    def outcome(self, state: State, log_violation: float) -> Word:
        if log_violation >= math.log(1 / self._policy.alpha):
            return "VIOLATES"
        settled = self._conformity(state, self._policy.delta) >= math.log(1 / self._policy.beta)
        return "CONFORMS" if settled else "UNDECIDED"

    def ratio(self, state: State) -> float:
        return math.sqrt(self._centred(state).squares / state.n)

    def interval(self, state: State) -> tuple[float, float]:
        """Of the std: for every distribution within the limit, or within the 2nd, 4th, ... multiple that holds all."""
        centred, gamma = self._centred(state), self._policy.gamma
        if self._far:
            return bounded_moments.interval(self._law, centred, gamma)
        beyond = max(state.peak / self._limit, 1.0)
        return betting.interval(centred, self._reach(2 ** math.ceil(math.log2(beyond))), gamma)

    def certified(self, state: State) -> float | None:
        return scale.smallest(lambda delta: self._conformity(state, delta), math.log(1 / self._policy.beta))

    def _conformity(self, state: State, delta: float) -> float:
        if state.peak > self._limit:
            return -math.inf
        centred = self._centred(state)
        if self._far:
            return bounded_moments.conformity(self._law, centred, delta)
        return betting.conformity(centred, self._law.kurtosis, self._reach(1), delta)

    def _centred(self, state: State) -> State:
        return state.about(self._law.mean / self._law.std)

    def _reach(self, times: float) -> float:
        """The largest lawful square, in units of the variance, where the limit is so many times the law's."""
        return ((times * self._limit + abs(self._law.mean)) / self._law.std) ** 2


def test_of(law: Variate, policy: Policy, fmt: Format) -> ScaleTest | BoundedTest:
    """The test for `law`; `TypeError` for a law that has none."""
    if isinstance(law, Normal) and law.mean == 0:
        return ScaleTest(law, policy, fmt)
    if isinstance(law, Uniform | TruncatedNormal) and math.isfinite(law.bound):
        return BoundedTest(law, policy, fmt)
    msg = f"law={law!r}, but should be a zero-mean Normal, a Uniform or a TruncatedNormal with two ends [decide]"
    raise TypeError(msg)
