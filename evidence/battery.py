"""Shape, tails, neighbours and ties: a battery of exact e-processes on the probability integral transform.

Under the law, u = F(x) is uniform and z = Phi^-1(u) standard normal, draw after draw. Where one value is likelier than
2^-20, as in 16 bits or far from 0, numbers are first spread over their rounding cell, by a keyed stream, which makes u
exactly uniform for the *rounded* law. Each
score then has a known cumulant, so exp(lambda sum s - n psi(lambda)) is a martingale; a process is its average over a
ladder of lambda, the battery the average over its processes. Averaging costs at most ln(processes) + ln(18) nats and
keeps every guarantee; what it buys is sight of what no variance shows: a wrong family, light or heavy tails,
correlated neighbours, rows or columns, values used twice, coarse grids.
"""

import functools
import itertools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, size, to_device
from numpy.typing import NDArray

from varlaw.evidence import scores
from varlaw.evidence.echoes import Echoes
from varlaw.evidence.formats import Format
from varlaw.evidence.grid import POINT, Grid
from varlaw.evidence.lines import Lines
from varlaw.evidence.neighbours import Neighbours, magnitudes
from varlaw.evidence.patterns import Patterns
from varlaw.evidence.repeats import Repeats
from varlaw.evidence.state import native
from varlaw.theory.variates import Normal, TruncatedNormal

Floats = NDArray[np.float64]

_TAILS = (2.5, 3.0, 3.3, 3.5, 4.0, 5.0)
_TAIL_MASSES = np.array([math.erfc(t / math.sqrt(2)) for t in _TAILS])
_MULTIPLIERS = (2.0**-60, 0.25, 0.5, 0.8, 1.25, 2.0, 4.0, 16.0, 256.0, 4096.0)  # the largest find spikes far out
_TAIL_RATES = np.minimum(np.multiply.outer(_TAIL_MASSES, _MULTIPLIERS), 0.9)
_PROCESSES = 75  # that there are in all
_FAR = 8.2  # z of the smallest u that is told from 0


class Battery:
    """Accumulates tensors that should follow `law`, up to about `limit` scalars, and weighs the evidence against it.

    `offset` is what the numbers are moved by, beside a mean that the law itself has.

    A truncated normal of 16 bits is lawful whether it was cut before it was rounded or after, when the cell at the
    limit holds what lay just beyond it as well; the evidence is then the weaker of that against either.
    """

    def __init__(self, law: Any, fmt: Format, limit: int, offset: float = 0.0) -> None:
        self._members = [_Member(Grid(lawful, fmt, offset)) for lawful in (law, *_cut_after_rounding(law, fmt))]
        self._limit = limit

    @property
    def n(self) -> int:
        """Scalars seen."""
        return self._members[0].n

    @property
    def room(self) -> int:
        """How many scalars it still wants to see."""
        return max(0, self._limit - self.n)

    def update(self, tensors: Sequence[Any], rng: np.random.Generator) -> None:
        """Take tensors into account, in their order; `rng`, no stream of the sampler's, spreads 16-bit numbers."""
        parts = (host(_part(native(t), max(self._limit, 1))) for t in tensors)
        for _, alike in itertools.groupby(parts, key=np.shape):
            stacked = np.stack(list(alike))
            for member in self._members:
                member.update(stacked, rng)

    def violation(self) -> float:
        """Log e-value against the law: the average over the processes."""
        return min(member.violation() for member in self._members)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        return self._weakest().processes()

    def strongest(self) -> tuple[str, float]:
        """The process that speaks loudest, a learnt one with its lag, and its log e-value."""
        member = self._weakest()
        name, log_e = max(member.processes().items(), key=lambda item: item[1])
        return f"{name} {member.echoes[name].lag}" if name in member.echoes else name, log_e

    def _weakest(self) -> "_Member":
        return min(self._members, key=_Member.violation)


def _cut_after_rounding(law: Any, fmt: Format) -> Iterator[TruncatedNormal]:
    if isinstance(law, TruncatedNormal) and fmt.digits < 24:
        low, high = (math.copysign(fmt.cell_end(fmt.round(abs(end))), end) for end in law.support)
        yield TruncatedNormal.from_bounds(law.parent_std, low, high)


class _Member:
    """The sums and processes for one law."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._spread = self._grid.likeliest > POINT
        self.n = 0
        self._legendre, self._quartic = np.zeros(scores.DEGREES), 0.0
        self._exceeding = np.zeros(len(_TAILS))
        self._lines, self._neighbours, self._patterns = Lines(), Neighbours(), Patterns()
        self._repeats = Repeats(self._grid.likeliest)
        self.echoes = {"echo": Echoes(), "magnitude, echo": Echoes()}

    def update(self, x: Floats, rng: np.random.Generator) -> None:
        """Tensors of one shape, stacked along the first axis."""
        from scipy.special import ndtri

        u = self._uniform(x.ravel(), rng).reshape(x.shape)
        law, centred = self._grid.law, x - self._grid.centre if self._grid.centre else x
        itself = isinstance(law, Normal) and not self._spread  # then z is x itself, standardised
        z = np.clip(centred / law.std, -_FAR, _FAR) if itself else ndtri(u)
        self.n += z.size
        self._legendre += scores.legendre_sums(2 * u.ravel() - 1)
        self._quartic += float(scores.quartic(z).sum())
        far = np.abs(z[np.abs(z) >= _TAILS[0]])
        self._exceeding += [np.count_nonzero(far >= t) for t in _TAILS]
        self._lines.update(z)
        sizes = magnitudes(u)
        self._neighbours.update(z, sizes)
        self._patterns.update(z, sizes)
        self.echoes["echo"].update(z)
        self.echoes["magnitude, echo"].update(sizes)
        self._repeats.update(centred)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        legendre = scores.tilted(self._legendre, self.n * scores.legendre_cumulants())
        tails = scores.rates(self._exceeding, self.n, _TAIL_MASSES, _TAIL_RATES)
        logs = {f"Legendre {k}": log_e for k, log_e in enumerate(legendre.tolist(), 1)}
        logs |= {f"tail {t}": log_e for t, log_e in zip(_TAILS, tails.tolist(), strict=True)}
        logs |= {name: echoes.log_e for name, echoes in self.echoes.items()}
        logs["kurtosis"] = float(scores.tilted(self._quartic, self.n * scores.quartic_cumulants()))
        parts = (self._lines, self._neighbours, self._patterns, self._repeats)
        return functools.reduce(operator.or_, (part.processes() for part in parts), logs)

    def violation(self) -> float:
        """Log e-value against the law: the average over the processes."""
        if self.n == 0:
            return 0.0
        logs = np.zeros(_PROCESSES)  # one that has not begun, for want of rows, say, stands at 1
        found = list(self.processes().values())
        logs[: len(found)] = found
        return float(scores.averaged(logs))

    def _uniform(self, x: Floats, rng: np.random.Generator) -> Floats:
        u = self._grid.uniform(x, rng) if self._spread else self._grid.law.cdf(x - self._grid.centre)
        inside: Floats = np.clip(u, 2.0**-53, 1 - 2.0**-53)
        return inside


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
