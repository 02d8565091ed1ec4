"""Hypothesis strategies for initialisers: shapes, fans, gains and dtypes where defects hide; never seeds or samples.

A seed that Hypothesis draws is searched over, and shrunk to one that means nothing. Draw the parameters here, let
`varlaw.assert_law` key the draws by them, and steer the search by what is known before any draw (`steer`). Needs
`hypothesis`, which `varlaw` does not install.
"""

import math
from collections.abc import Mapping
from typing import Any

try:
    import hypothesis
    from hypothesis import strategies as st
except ImportError as error:
    msg = "varlaw.strategies needs hypothesis: pip install hypothesis"
    raise ImportError(msg) from error

from varlaw.claims.cases import Cases
from varlaw.claims.domains import CASES
from varlaw.evidence.likelihood import separation
from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.domain import Choice, Interval, Range, printable
from varlaw.verify.plan import DTYPES

# CPU kernels draw blocks of 16 numbers, and the last block again where one is left over.
CORNER_SIDES = (1, 2, 15, 16, 17, 31, 32, 33)
LONGEST_SIDE = 4096


def shapes(
    *, min_rank: int = 1, max_rank: int = 5, min_size: int = 1, max_size: int = 2**16
) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of `min_rank` to `max_rank` sides and `min_size` to `max_size` entries, up to 1 : 4096 lopsided.

    Sides of 1 and sides around a kernel's block come often; shapes shrink to few and short sides. Nothing is filtered.
    Raises `ValueError` where no shape fits.
    """
    if not 1 <= min_rank <= max_rank:
        msg = f"min_rank={min_rank}, max_rank={max_rank}, but should be 1 <= min_rank <= max_rank [shapes]"
        raise ValueError(msg)
    if not 1 <= min_size <= min(max_size, LONGEST_SIDE):
        sizes = f"1 <= min_size <= max_size, and min_size <= {LONGEST_SIDE}"
        msg = f"min_size={min_size}, max_size={max_size}, but should be {sizes} [shapes]"
        raise ValueError(msg)
    return st.integers(min_rank, max_rank).flatmap(lambda rank: _sides(rank, min_size, max_size))


@st.composite
def _sides(draw: st.DrawFn, rank: int, min_size: int, max_size: int) -> tuple[int, ...]:
    sides: list[int] = []
    for left in range(rank - 1, -1, -1):
        size = math.prod(sides)
        most = min(LONGEST_SIDE, max_size // size)
        least = 1 if left else min(most, -(-min_size // size))  # the last side makes up for what is missing
        corners = [n for n in CORNER_SIDES if least <= n <= most]
        ranges = st.integers(least, most)
        sides.append(draw(st.one_of(st.sampled_from(corners), ranges) if corners else ranges))
    return tuple(draw(st.permutations(sides)))


def gains() -> st.SearchStrategy[float]:
    """Gains and standard deviations, from 2**-10 to 2**5, spread evenly in their logarithm; shrinks to 1."""
    return st.floats(-10, 5).map(lambda k: 2.0**k)


def activations() -> st.SearchStrategy[str]:
    """Names of activations, with a parameter where they take one: `relu`, `leaky_relu:0.2`, `elu:1.5`."""
    plain = [name for name, row in ACTIVATIONS.items() if row.parameter is None]
    bent = {name: row.parameter for name, row in ACTIVATIONS.items() if row.parameter is not None}
    named = st.sampled_from(sorted(bent)).flatmap(
        lambda name: values(bent[name].range).map(lambda value: f"{name}:{value:g}")
    )
    return st.one_of(st.sampled_from(plain), named)


def modes() -> st.SearchStrategy[str]:
    """The fans that a scheme may divide by."""
    return st.sampled_from(["fan_in", "fan_out", "fan_avg"])


def dtypes() -> st.SearchStrategy[str]:
    """The names of the dtypes, float32 first."""
    return st.sampled_from(["float32", *(d for d in DTYPES if d != "float32")])


def values(allowed: Range) -> st.SearchStrategy[Any]:
    """The values of one range; whole numbers shrink to the smallest, choices to the first.

    allowed: the range, as a law's domain has it.
    """
    match allowed:
        case Interval(whole=True):
            low, high = allowed.typical or (allowed.low, allowed.high)
            return st.integers(int(low), int(high))
        case Interval():
            return st.floats(0, 1).map(allowed.at)
        case Choice():
            return st.sampled_from(allowed.values)
    msg = f"no strategy for {allowed!r}"
    raise TypeError(msg)


def cases(op: str) -> st.SearchStrategy[dict[str, Any]]:
    """Cases of one op of `varlaw verify`: its channels, groups, strides, modes, mapped into the domain, none filtered.

    Raises `ValueError` for an op that there is not.

    op: as `varlaw claims` names it, "linear" or "conv2d".
    """
    if op not in CASES:
        msg = f"op={printable(op)}, but should be one of {', '.join(sorted(CASES))} [cases]"
        raise ValueError(msg)
    known: Cases = CASES[op]
    raw = st.fixed_dictionaries({name: values(r) for name, r in known.domain.ranges.items()})
    return raw.map(known.build)


def steer(law: Any, mutants: Mapping[str, Any], size: int, *, label: str = "ln nats to the nearest mutant") -> None:
    """Inside a property: send Hypothesis towards parameters at which `size` draws tell `law` from the nearest mutant.

    law, mutants: the law of the example, and wrong laws by name.
    size: numbers drawn in the example.
    label: of the target; a property that steers twice in one example gives each its own.

    The target is the analytic separation of the laws, never a statistic of draws, so that the search goes where the
    test has power and not where noise is. Mutants that coincide with the law here do not count.
    """
    nats = [size * separation(law, mutant) for mutant in mutants.values()]
    apart = [n for n in nats if n > 0]
    if apart:
        hypothesis.target(math.log(min([*apart, 1e12])), label=label)
