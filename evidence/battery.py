"""Shape, tails, neighbours and ties: a battery of exact e-processes on the probability integral transform.

Under the law, u = F(x) is uniform and z = Phi^-1(u) standard normal, draw after draw. Where one value is likelier than
2^-20, as in 16 bits or far from 0, numbers are first spread over their rounding cell, by a keyed stream, which makes u
exactly uniform for the *rounded* law. Each
score then has a known cumulant, so exp(lambda sum s - n psi(lambda)) is a martingale; a process is its average over a
ladder of lambda, the battery the average over its processes. Averaging costs at most ln(processes) + ln(18) nats and
keeps every guarantee; what it buys is sight of what no variance shows: a wrong family, light or heavy tails,
correlated neighbours, rows or columns, values used twice, coarse grids, patterns that all tensors share.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, size, to_device
from numpy.typing import NDArray

from varlaw.evidence import scores
from varlaw.evidence.echoes import Echoes
from varlaw.evidence.formats import Format
from varlaw.evidence.grid import POINT, Grid
from varlaw.evidence.histogram import Histogram
from varlaw.evidence.lines import Lines
from varlaw.evidence.neighbours import Neighbours
from varlaw.evidence.parities import Parities
from varlaw.evidence.patterns import Patterns
from varlaw.evidence.processes import FAR, Processes, Seen, seen
from varlaw.evidence.repeats import Repeats
from varlaw.evidence.spans import Spans
from varlaw.evidence.state import native
from varlaw.theory.variates import Normal, TruncatedNormal

Floats = NDArray[np.float64]

_PROCESSES = 87  # that there are in all
_AT_ONCE = 1 << 17  # scalars that are worked on together: memory stays bounded
_HELD = 1.0  # of what was seen: tensors wait for as many scalars as that


class Battery:
    """Accumulates tensors that should follow `law`, up to about `limit` scalars, and weighs the evidence against it.

    `offset` is what the numbers are moved by, beside a mean that the law itself has. Up to `places` scalars the
    patterns that all tensors share are looked at, also when `limit` is past.

    A truncated normal of 16 bits is lawful whether it was cut before it was rounded or after, when the cell at the
    limit holds what lay just beyond it as well; the evidence is then the weaker of that against either.
    """

    def __init__(self, law: Any, fmt: Format, limit: int, offset: float = 0.0, places: int = 0) -> None:
        self._members = [_Member(Grid(lawful, fmt, offset)) for lawful in (law, *_cut_after_rounding(law, fmt))]
        self._limit, self._places = limit, places
        self._held: list[Any] = []
        self._waiting = self._taken = 0  # scalars
        self._log_e: float | None = None  # until more is taken into account

    @property
    def n(self) -> int:
        """Scalars seen, or held."""
        return self._taken + self._waiting

    @property
    def room(self) -> int:
        """How many scalars it still wants to see."""
        return max(0, max(self._limit, self._places) - self.n)

    def update(self, tensors: Sequence[Any], rng: np.random.Generator) -> None:
        """Take tensors into account, in their order; `rng`, no stream of the sampler's, spreads 16-bit numbers."""
        self._hold(tensors)
        self.take(rng)

    def offer(self, tensors: Sequence[Any], rng: np.random.Generator) -> None:
        """The same, now or together with those of the calls after: each look costs as much as thousands of scalars."""
        self._hold(tensors)
        if self._waiting >= _HELD * self._taken:
            self.take(rng)

    def take(self, rng: np.random.Generator) -> None:
        """Take what is held into account."""
        held, self._held = self._held, []
        parts = (host(_part(native(t), max(self._limit, 1))) for t in held)
        for _, alike in itertools.groupby(parts, key=np.shape):
            for stacked in _stacks(list(alike)):
                closely = self._taken < self._limit
                for member in self._members:
                    member.update(stacked, rng, closely=closely)
                self._taken += stacked.size
                self._log_e = None
        self._waiting = 0

    def violation(self) -> float:
        """Log e-value against the law: the average over the processes, of what was taken into account."""
        if self._log_e is None:
            self._log_e = min(member.violation() for member in self._members)
        return self._log_e

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        return self._weakest().log_wealth()

    def strongest(self) -> tuple[str, float]:
        """The process that speaks loudest, with what it found, and its log e-value."""
        return self._weakest().strongest()

    def cells(self) -> tuple[int, ...]:
        """How many numbers fell into each cell of z, which is standard normal under the law; () where none was seen."""
        return self._weakest().histogram.cells()

    def _hold(self, tensors: Sequence[Any]) -> None:
        self._held += tensors
        self._waiting += sum(min(size(t) or 0, 2 * max(self._limit, 1)) for t in tensors)

    def _weakest(self) -> "_Member":
        return min(self._members, key=_Member.violation)


def _stacks(parts: list[Floats]) -> Iterator[Floats]:
    """Arrays of one shape, stacked, as many at a time as are worked on together."""
    count = max(1, _AT_ONCE // max(1, parts[0].size))
    for start in range(0, len(parts), count):
        yield np.stack(parts[start : start + count])


def _cut_after_rounding(law: Any, fmt: Format) -> Iterator[TruncatedNormal]:
    if isinstance(law, TruncatedNormal) and fmt.digits < 24:
        (low, _), (_, high) = (_cell(end, fmt) for end in law.support)
        yield TruncatedNormal.from_bounds(law.parent_std, low, high, law.parent_mean)


def _cell(x: float, fmt: Format) -> tuple[float, float]:
    low, high = fmt.cells(np.array([math.copysign(fmt.round(abs(x)), x)]))
    return float(low[0]), float(high[0])


class _Member:
    """The processes of one law."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._spread = self._grid.likeliest > POINT
        self.n = 0
        self._patterns, self.histogram = Patterns(), Histogram()
        self._parts: list[Processes] = [
            self.histogram, Lines(), Neighbours(), Echoes(), Repeats(self._grid.likeliest), Spans(), Parities(),
            self._patterns,
        ]  # fmt: skip

    def update(self, x: Floats, rng: np.random.Generator, *, closely: bool) -> None:
        """Tensors of one shape, stacked along the first axis; patterns alone, or `closely` everything."""
        at_hand = self._seen(x, rng)
        self.n += x.size
        for part in self._parts if closely else [self._patterns]:
            part.observe(at_hand)

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        return {name: log_e for part in self._parts for name, log_e in part.log_wealth().items()}

    def strongest(self) -> tuple[str, float]:
        """The process that speaks loudest, with what it found, and its log e-value."""
        part, name, log_e = max(
            ((part, *item) for part in self._parts for item in part.log_wealth().items()), key=lambda found: found[2]
        )
        return part.told(name), log_e

    def violation(self) -> float:
        """Log e-value against the law: the average over the processes."""
        if self.n == 0:
            return 0.0
        logs = np.zeros(_PROCESSES)  # one that has not begun, for want of rows, say, stands at 1
        found = list(self.log_wealth().values())
        logs[: len(found)] = found
        return float(scores.averaged(logs))

    def _seen(self, x: Floats, rng: np.random.Generator) -> Seen:
        from scipy.special import ndtri

        law, values = self._grid.law, x - self._grid.centre if self._grid.centre else x
        if isinstance(law, Normal) and not self._spread:  # then z is x itself, standardised
            z = np.divide(values, law.std)
            return seen(values, np.clip(z, -FAR, FAR, out=z))
        u = self._grid.uniform(x.ravel(), rng) if self._spread else law.cdf(values)
        return seen(values, ndtri(np.clip(u, 2.0**-53, 1 - 2.0**-53)).reshape(x.shape).clip(-FAR, FAR))


def _part(tensor: Any, limit: int) -> Any:
    """The tensor, or of a huge one the leading rows that hold about `limit` scalars: memory stays bounded."""
    count = size(tensor) or 0
    if count <= 2 * limit:
        return tensor
    rows = limit * tensor.shape[0] // count
    return tensor[:rows] if rows else array_namespace(tensor).reshape(tensor, (-1,))[:limit]


def host(tensor: Any) -> Floats:
    """A tensor of any library as float64 on the host; exact for every narrower format."""
    xp = array_namespace(tensor)
    return np.asarray(to_device(xp.astype(tensor, xp.float64), "cpu"))
