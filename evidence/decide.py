"""The decision: draw, reduce, look, and stop at the first of VIOLATES, CONFORMS or the cap.

Guarantee for every law here: a lawful sampler is called VIOLATES with probability at most `policy.alpha`, and one
whose scale is off by a factor 1 + delta or more (either way) is called CONFORMS with probability at most
`policy.beta`, no matter how often one looks. CONFORMS is a positive statement; UNDECIDED prints what was certified.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import msgspec
import numpy as np

from varlaw.evidence import endpoint, extremes, location, scale, tilt
from varlaw.evidence.battery import Battery
from varlaw.evidence.budget import Policy
from varlaw.evidence.likelihood import most_likely
from varlaw.evidence.rounding import FORMATS, Format
from varlaw.evidence.state import State, reduce
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, Variate

Word = Literal["CONFORMS", "VIOLATES", "UNDECIDED"]
Source = Callable[[int, int], Iterable[Any]]  # (seed, number of tensors) -> that many fresh tensors


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the draws say of a law, with the effect, its interval and the risk."""

    outcome: Word
    state: State
    ratio: float  # observed over lawful scale: of the std, for bounded laws of the limit
    interval: tuple[float, float]
    certified: float | None
    log_evidence: float
    likely: str | None = None
    likely_log_ratio: float | None = None
    detail: str = ""


class SamplerError(ValueError):
    """A sampler broke its contract: non-finite values, no scalars, or draws that do not depend on the seed."""


def decide(
    law: Variate,
    source: Source,
    policy: Policy,
    key: Key,
    *,
    dtype: str = "float64",
    mutants: Mapping[str, Variate] | None = None,
    shape: bool = True,
    band: float = 0.0,
) -> Decision:
    """Decide whether the tensors of `source` follow `law`, entry by entry and independently.

    law: a zero-mean `Normal`, a `Uniform` or a `TruncatedNormal`, in the units of the tensors.
    source: called as `source(seed, count)`, yields `count` fresh tensors that depend on `seed` alone.
    dtype: the format that the draws were rounded to; its rounding belongs to the law.
    mutants: wrong laws by name; the one that explains a violation best is named.
    shape: whether the battery looks at family, tails, neighbours and ties beside scale, mean and limit.
    band: |ln ratio| of a normal's std that is lawful beside the rounding of the draws themselves.

    Raises `SamplerError` when a draw is not finite, is empty, ignores its seed or does not repeat.

    >>> import numpy as np
    >>> from varlaw.evidence.budget import POLICIES
    >>> draw = lambda seed, count: (np.random.default_rng([seed, i]).normal(size=(64, 16)) for i in range(count))
    >>> decide(Normal(1.0), draw, POLICIES["pr"], Key("salt", "doc")).outcome
    'CONFORMS'
    """
    test = _test(law, policy, replace(FORMATS[dtype], null_band=FORMATS[dtype].null_band + band))
    battery = Battery(law, FORMATS[dtype], policy.battery if shape else 0)
    _guard(source, key)
    state, tensors, block, size = State(), 0, 0, 0
    log_violation = 0.0
    outcome: Word = "UNDECIDED"
    limit = max(test.cap, policy.least if shape else 0)
    limit = min(limit, policy.max_samples or limit)
    while outcome == "UNDECIDED" and state.n < limit and tensors < policy.max_tensors:
        wanted = min(max(policy.first, math.ceil(state.n * (1 + policy.growth))), limit) - state.n
        count = min(max(1, -(-wanted // size)) if size else 1, policy.max_tensors - tensors)
        state += _draw(source, key.at(block=block), count, law.std, battery)
        size, tensors, block = max(1, state.n // (tensors + count)), tensors + count, block + 1
        log_violation = _mixed(test.violation(state), battery)
        outcome = test.outcome(state, log_violation)
        if outcome == "CONFORMS" and shape and battery.n < policy.least and tensors < policy.few:
            outcome = "UNDECIDED"  # the scale is certain already, but the shape has hardly been seen
    likely, gain = most_likely(law, mutants or {}, state) if outcome == "VIOLATES" else (None, None)
    return Decision(
        outcome=outcome,
        state=state,
        ratio=test.ratio(state),
        interval=test.interval(state),
        certified=test.certified(state),
        log_evidence=log_violation,
        likely=likely,
        likely_log_ratio=gain,
        detail=_detail(outcome, state, tensors, policy, limit, battery),
    )


class _ScaleTest:
    """`scale`, with `location` and `extremes` beside it, bound to one law, policy and format.

    The violation is the average of the e-values; scale keeps eight tenths of the weight, which costs it 0.2 nats.
    """

    def __init__(self, law: Normal, policy: Policy, fmt: Format) -> None:
        self._law, self._policy, self._eps0 = law, policy, fmt.null_band
        self.cap = scale.cap(policy.delta, policy.alpha, policy.beta)

    def violation(self, state: State) -> float:
        of_scale = scale.violation(state.n, state.squares, self._policy.delta, self._eps0)
        logs = [of_scale, location.violation(state), extremes.violation(state, self._law.std)]
        return float(np.logaddexp.reduce(np.log([0.8, 0.1, 0.1]) + logs))

    def outcome(self, state: State, log_violation: float) -> Word:
        if log_violation >= math.log(2 / self._policy.alpha):
            return "VIOLATES"
        if scale.conformity(state.n, state.squares, self._policy.delta) >= math.log(2 / self._policy.beta):
            return "CONFORMS"
        if state.n < self.cap:
            return "UNDECIDED"
        low, high = scale.terminal_limits(state.n, self._policy.alpha, self._eps0)
        return "CONFORMS" if low <= state.squares <= high else "VIOLATES"

    def ratio(self, state: State) -> float:
        return math.sqrt(state.squares / state.n)

    def interval(self, state: State) -> tuple[float, float]:
        return scale.interval(state.n, state.squares, self._policy.gamma)

    def certified(self, state: State) -> float | None:
        return scale.certified(state.n, state.squares, self._policy.beta)


class _BoundedTest:
    """`endpoint`, with `tilt` beside it, bound to one law, policy and format.

    The violation is the average of both e-values. Where a rounding cell is wider than delta / 4 the maximum does not
    tell the scale well enough, and conformity asks for the second moment as well.
    """

    def __init__(self, law: endpoint.Bounded, policy: Policy, fmt: Format) -> None:
        self._law, self._policy, self._fmt = law, policy, fmt
        self._coarse = fmt.unit > policy.delta / 4
        # A limit in the middle of its rounding cell moves the variance by up to 3/4 (cell / limit)^2.
        self._eps0 = 2 * fmt.unit**2
        self.cap = endpoint.cap(law, policy.delta, policy.alpha, policy.beta, fmt)
        if self._coarse:
            self.cap = max(self.cap, tilt.cap(law, policy.delta, policy.alpha, policy.beta))

    def violation(self, state: State) -> float:
        of_limit = endpoint.violation(self._law, state, self._policy.delta, self._fmt)
        return float(np.logaddexp(of_limit, tilt.violation(self._law, state, self._eps0)) - math.log(2))

    def outcome(self, state: State, log_violation: float) -> Word:
        if log_violation >= math.log(1 / self._policy.alpha):
            return "VIOLATES"
        law, delta, risk = self._law, self._policy.delta, math.log(1 / self._policy.beta)
        if self._coarse:
            inside = state.peak <= endpoint.limit(law, self._fmt)
            conforms = inside and tilt.conformity(law, state, delta) >= risk
        else:
            conforms = endpoint.conformity(law, state, delta, self._fmt) >= risk
        return "CONFORMS" if conforms else "UNDECIDED"

    def ratio(self, state: State) -> float:
        return math.sqrt(state.squares / state.n) if self._coarse else state.peak / self._law.bound

    def interval(self, state: State) -> tuple[float, float]:
        if self._coarse:
            return tilt.interval(self._law, state, self._policy.gamma)
        return endpoint.interval(self._law, state, self._policy.gamma, self._fmt)

    def certified(self, state: State) -> float | None:
        if self._coarse:
            return tilt.certified(self._law, state, self._policy.beta)
        return endpoint.certified(self._law, state, self._policy.beta, self._fmt)


def _test(law: Variate, policy: Policy, fmt: Format) -> _ScaleTest | _BoundedTest:
    if isinstance(law, Normal) and law.mean == 0:
        return _ScaleTest(law, policy, fmt)
    if isinstance(law, Uniform | TruncatedNormal) and math.isfinite(law.bound):
        return _BoundedTest(law, policy, fmt)
    msg = f"law={law!r}, but should be a zero-mean Normal, a Uniform or a TruncatedNormal with two ends [decide]"
    raise TypeError(msg)


def _mixed(of_test: float, battery: Battery) -> float:
    """The average of the dedicated test's e-value, with nine tenths of the weight, and the battery's."""
    return float(np.logaddexp(math.log(0.9) + of_test, math.log(0.1) + battery.violation()))


def _draw(source: Source, key: Key, count: int, unit: float, battery: Battery | None = None) -> State:
    state = State()
    seen: list[Any] = []
    room = battery.room if battery else 0
    for tensor in source(key.seed, count):
        if state.n < room:
            seen.append(tensor)
        state += reduce(tensor, unit)
    if state.n == 0 or not state.finite:
        fault = "no scalars" if state.n == 0 else "values that are not finite"
        msg = f"the sampler returned {fault} at seed {key.seed}"
        raise SamplerError(msg)
    if battery and seen:
        battery.update(seen, key.generator())
    return state


def _guard(source: Source, key: Key) -> None:
    """Same key, same sums; another key, other sums: without this, n copies of one draw would pass for n draws."""
    first, again, other = (_draw(source, key.at(block=b), 1, 1.0) for b in (0, 0, 1))
    if first != again:
        msg = f"the sampler gives other values when seed {key.at(block=0).seed} is used again"
        raise SamplerError(msg)
    if first == other:
        msg = f"the sampler ignores its seed: {key.at(block=0).seed} and {key.at(block=1).seed} give the same values"
        raise SamplerError(msg)


def _detail(outcome: Word, state: State, tensors: int, policy: Policy, limit: int, battery: Battery) -> str:
    if outcome == "UNDECIDED":
        return _why_undecided(state, tensors, policy, limit)
    if outcome == "VIOLATES" and battery.violation() >= math.log(10 / policy.alpha):
        name, log_e = battery.strongest()
        return f"shape: {name} (ln e {log_e:.1f})"
    return ""


def _why_undecided(state: State, tensors: int, policy: Policy, limit: int) -> str:
    if limit == policy.max_samples or (tensors >= policy.max_tensors and state.n < limit):
        return f"{state.n} scalars in {tensors} tensors are too few to certify {policy.delta:g}"
    return f"{state.n} scalars, the cap, leave the scale between the law and an error of {policy.delta:g}"
