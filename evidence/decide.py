"""The decision: draw, reduce, look, and stop at the first of VIOLATES, CONFORMS or the cap.

Guarantee for every law here: a lawful sampler is called VIOLATES with probability at most `policy.alpha`, and one
whose std is off by a factor 1 + delta or more (either way) is called CONFORMS with probability at most `policy.beta`,
no matter how often one looks. Beta is for independent entries of a family: normal ones for a normal law, any
distribution within the limits for a bounded one (see `sequential`). CONFORMS is a positive statement; UNDECIDED prints
what was certified.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import numpy as np

from varlaw.evidence.battery import Battery, host
from varlaw.evidence.budget import Policy
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.grid import Grid, moved, visible
from varlaw.evidence.likelihood import most_likely
from varlaw.evidence.sequential import BoundedTest, ScaleTest, Word, test_of
from varlaw.evidence.spending import SHAPE, averaged
from varlaw.evidence.state import State, native, reduce
from varlaw.evidence.streams import Key
from varlaw.evidence.wording import in_words
from varlaw.theory.variates import Variate

Source = Callable[[int, int], Iterable[Any]]  # (seed, number of tensors) -> that many fresh tensors


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the draws say of a law, with the effect, its interval and the risk."""

    outcome: Word
    state: State
    ratio: float  # observed over lawful std, both about the law's mean
    interval: tuple[float, float]
    certified: float | None
    log_evidence: float
    likely: str | None = None
    likely_log_ratio: float | None = None
    detail: str = ""
    cells: tuple[int, ...] = ()  # how many of the first numbers fell where, as `Battery.cells` says


class SamplerError(ValueError):
    """A sampler broke its contract: non-finite values, no scalars, or draws that do not depend on the seed.

    `seeds` are those that the message names.
    """

    def __init__(self, message: str, *seeds: int) -> None:
        super().__init__(message)
        self.seeds = seeds


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

    law: a `Normal`, a `Uniform`, a `UniformRange` or a `TruncatedNormal`, in the units of the tensors.
    source: called as `source(seed, count)`, yields `count` fresh tensors that depend on `seed` alone.
    dtype: the format that the draws were rounded to; its rounding belongs to the law.
    mutants: wrong laws by name; the one that explains a violation best is named.
    shape: whether the battery looks at family, tails, neighbours and ties beside scale, mean and limit.
    band: |ln ratio| of a normal's std that is lawful beside the rounding of the draws themselves.

    Where the format is too coarse to show an error of `policy.delta`, the outcome is UNDECIDED and nothing is drawn.
    Raises `SamplerError` when a draw is not finite, is empty, ignores its seed or does not repeat.

    >>> import numpy as np
    >>> from varlaw.theory.variates import Normal
    >>> from varlaw.evidence.budget import POLICIES
    >>> draw = lambda seed, count: (np.random.default_rng([seed, i]).normal(size=(64, 16)) for i in range(count))
    >>> decide(Normal(1.0), draw, POLICIES["pr"], Key("salt", "doc")).outcome
    'CONFORMS'
    """
    grid = Grid(law, FORMATS[dtype])
    seen = visible(grid, policy.delta)
    if seen == 0:
        return _blind(law, dtype, policy)
    fmt = replace(grid.format, null_band=grid.format.null_band + band)
    test = test_of(grid.law, replace(policy, delta=seen), fmt)
    looked_at = (policy.battery, policy.redraw_samples if policy.redraws else 0) if shape else (0, 0)
    battery = Battery(law, FORMATS[dtype], looked_at[0], places=looked_at[1])
    source = _guard(source, key, grid)
    looks = _looks(test, battery, grid, source, policy, key, shape=shape)
    wrong = {name: moved(mutant, -grid.centre) for name, mutant in (mutants or {}).items()}
    return _told(test, battery, grid, looks, policy, lens=policy.delta / seen, wrong=wrong)


class _Looks(NamedTuple):
    """What the looks at one law came to, and where they ended."""

    outcome: Word
    state: State
    tensors: int
    limit: int
    of_test: float
    log_violation: float


def _looks(
    test: ScaleTest | BoundedTest,
    battery: Battery,
    grid: Grid,
    source: Source,
    policy: Policy,
    key: Key,
    *,
    shape: bool,
) -> _Looks:
    """Draw, reduce and look until the test is violated, or settled and the shape is seen, or the cap is reached."""
    state, tensors, block, size = State(), 0, 0, 0
    of_test, conforms = 0.0, False
    outcome: Word = "UNDECIDED"
    limit = _limit(test, policy, 0, shape)
    while outcome != "VIOLATES" and state.n < limit and tensors < policy.max_tensors:
        wanted = min(max(policy.first, math.ceil(state.n * (1 + policy.growth))), limit) - state.n
        count = min(max(1, -(-wanted // size)) if size else 1, policy.max_tensors - tensors)
        state += _draw(source, key.at(block=block), count, grid, battery)
        size, tensors, block = max(1, state.n // (tensors + count)), tensors + count, block + 1
        of_test = test.violation(state)
        outcome = test.outcome(state, _mixed(of_test, battery))
        shown = not shape or battery.n >= policy.min_scalars or tensors >= policy.min_tensors
        conforms = conforms or (outcome == "CONFORMS" and shown)
        limit = _redraws(policy, size, shape) if conforms else _limit(test, policy, state.n, shape)
    if outcome != "VIOLATES":
        battery.take(key.at(block=block).generator())
        outcome = test.outcome(state, _mixed(of_test, battery))
    if outcome != "VIOLATES":
        outcome = "CONFORMS" if conforms else "UNDECIDED"
    return _Looks(outcome, state, tensors, limit, of_test, _mixed(of_test, battery))


def _told(
    test: ScaleTest | BoundedTest,
    battery: Battery,
    grid: Grid,
    looks: _Looks,
    policy: Policy,
    *,
    lens: float,
    wrong: Mapping[str, Variate],
) -> Decision:
    """The decision with its effect; `lens` is how much larger an error is than it shows through a coarse format."""
    outcome, state = looks.outcome, looks.state
    likely, gain = most_likely(grid.law, wrong, state) if outcome == "VIOLATES" else (None, None)
    detail = ""
    if outcome == "UNDECIDED":
        detail = _undecided(state, looks.tensors, policy, looks.limit)
    elif outcome == "VIOLATES":
        detail = _fell(test.parts(state), looks.of_test, battery)
    low, high = test.interval(state)
    return Decision(
        outcome=outcome,
        state=state,
        ratio=_unveiled(test.ratio(state), lens),
        interval=(_unveiled(low, lens), _unveiled(high, lens)),
        certified=_certified(test.certified(state), outcome, policy.delta, lens),
        log_evidence=looks.log_violation,
        likely=likely,
        likely_log_ratio=gain,
        detail=detail,
        cells=battery.cells(),
    )


def _unveiled(ratio: float, lens: float) -> float:
    """The ratio of std that shows as `ratio` through the cells of a coarse format; `lens` is 1 for a fine one."""
    return ratio if lens == 1 else max(0.0, 1 + (ratio - 1) * lens)


def _certified(found: float | None, outcome: Word, delta: float, lens: float) -> float | None:
    """The smallest delta that the draws exclude; what the terminal test settled is no more than was asked for."""
    certified = found * lens if found is not None else None
    if outcome != "CONFORMS":
        return certified
    return delta if certified is None else min(certified, delta)


def _blind(law: Variate, dtype: str, policy: Policy) -> Decision:
    """Nothing drawn: the law's std is so small beside the spacing of the format that errors of delta round away."""
    return Decision(
        outcome="UNDECIDED", state=State(), ratio=math.nan, interval=(0.0, math.inf), certified=None, log_evidence=0.0,
        detail=f"{dtype} is too coarse where {law!r} lies to show an error of {policy.delta:g} in its std",
    )  # fmt: skip


def _limit(test: ScaleTest | BoundedTest, policy: Policy, n: int, shape: bool) -> int:
    most = max(test.cap(n), policy.min_scalars if shape else 0)
    return min(most, policy.max_samples or most)


def _redraws(policy: Policy, size: int, shape: bool) -> int:
    """Scalars up to which a sampler whose scale conforms is drawn on, so that patterns show that all tensors share."""
    if not shape:
        return 0
    return min(policy.redraws * size, policy.redraw_samples, policy.max_samples or policy.redraw_samples)


def _mixed(of_test: float, battery: Battery) -> float:
    return averaged(SHAPE, dedicated=of_test, battery=battery.violation())


def _draw(source: Source, key: Key, count: int, grid: Grid, battery: Battery | None = None) -> State:
    state, rng = State(), key.generator() if battery else None
    seen: list[Any] = []
    room = battery.room if battery else 0
    for tensor in source(key.seed, count):
        if state.n < room:
            seen.append(tensor)
        state += reduced(tensor, grid, rng)
    if state.n == 0 or not state.finite:
        fault = "no scalars" if state.n == 0 else "values that are not finite"
        msg = f"the sampler returned {fault} at seed {key.seed}"
        raise SamplerError(msg, key.seed)
    if battery and rng and seen:
        battery.offer(seen, rng)
    return state


def reduced(tensor: Any, grid: Grid, rng: np.random.Generator | None) -> State:
    """The sums of a tensor around the law's centre, where the format is coarse of its numbers spread by `rng`."""
    if rng is None or not grid.coarse:
        return reduce(tensor, grid.law.std, grid.centre)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers that are not finite are told from the sums
        return reduce(grid.spread(host(native(tensor)), rng), grid.law.std)


def _guard(source: Source, key: Key, grid: Grid) -> Source:
    """Same key, same sums; another key, other sums: without this, n copies of one draw would pass for n draws.

    One number of 16 bits may come twice by chance; eight seeds that all give it are no chance, and a thousand where
    one number holds much of the law. Returns the source, which gives what was drawn here and does not draw it again.
    """
    kept: dict[int, list[Any]] = {}

    def keeping(seed: int, count: int) -> Iterable[Any]:
        drawn = list(source(seed, count))
        if len(kept) < _KEPT:
            kept[seed] = drawn
        return drawn

    first, again = (_draw(keeping, key.at(block=0), 1, grid) for _ in range(2))
    if first != again:
        msg = f"the sampler gives other values when seed {key.at(block=0).seed} is used again"
        raise SamplerError(msg, key.at(block=0).seed)
    seeds = 8 if grid.likeliest < 0.01 else 1000
    alike = all(_draw(keeping, key.at(block=b), 1, grid) == first for b in range(1, seeds + 1))
    if alike and len({_bits(source, key.at(block=b)) for b in range(seeds + 1)}) == 1:
        used = key.at(block=0).seed, key.at(block=1).seed
        msg = f"the sampler ignores its seed: {used[0]} and {used[1]} give the same values"
        raise SamplerError(msg, *used)
    return lambda seed, count: kept.pop(seed) if count == 1 and seed in kept else source(seed, count)


_KEPT = 2  # tensors, those of the first two blocks
_PARTS = {"mean": "the mean", "largest": "the largest value"}


def _bits(source: Source, key: Key) -> bytes:
    """The first tensor itself: shuffled values have the same sums."""
    return next((host(native(tensor)).tobytes() for tensor in source(key.seed, 1)), b"")


def _fell(parts: Mapping[str, float], of_test: float, battery: Battery) -> str:
    """What fell beside the std, in words: of the battery where it says much more, for a wrong scale moves it, too."""
    if battery.n and battery.violation() >= 2 * max(of_test, 0.0):
        return f"test that fell: {in_words(battery.strongest()[0])}"
    loudest = max(parts, key=parts.__getitem__)
    return "" if loudest == "std" else f"test that fell: {_PARTS[loudest]}"


def _undecided(state: State, tensors: int, policy: Policy, limit: int) -> str:
    if limit == policy.max_samples or (tensors >= policy.max_tensors and state.n < limit):
        return f"{state.n} scalars in {tensors} tensors are too few to certify {policy.delta:g}"
    return f"{state.n} scalars, the cap, leave the scale between the law and an error of {policy.delta:g}"
