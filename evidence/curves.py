"""Numbers against a whole distribution function: shares up to many values, the mean of F(x), and what follows on what.

A variance says nothing of a tail that ends early, of a chance that was rounded to 1/256, of a range that random bits
fill unevenly. Here nothing is estimated: the law gives the chance p that a number, rounded to its format, is at most
t, for many t at once, and for u = F(x), in the middle of its jump, a mean of 1/2. All bounds are exact for n numbers:

* of n independent numbers c lie up to t with log chance of at most -n KL(c/n || p) (Chernoff);
* u - 1/2 has, in each cell, the mean of a uniform number there, so by Jensen's inequality it is sub-Gaussian with the
  variance 1/12: a sum of n exceeds r sqrt(n/12) with chance exp(-r^2/2) at most;
* given the past, w v - l^2 w^2 / 24 with w = u - 1/2, v that of an independent later number and a stake l fixed
  beforehand has E exp(l w v - l^2 w^2 / 24) <= 1: products bet against a dependence.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.atoms import divergence, most
from varlaw.evidence.formats import Format

Floats = NDArray[np.float64]

_TAILS = 15  # binary digits of the rarest event in a tail
_BINS = 16


@dataclass(frozen=True)
class Law:
    """A distribution function, as its numbers are rounded to a format; `whole` numbers are exact in any.

    `without`: values that are excluded; what would round to an end of the support goes to the next number inside.
    """

    curve: Any
    format: Format
    without: tuple[float, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the law is one of whole numbers."""
        return not hasattr(self.curve, "logpdf")

    def below(self, x: Floats) -> tuple[Floats, Floats]:
        """P(X < x) and P(X <= x), of rounded numbers."""
        if self.whole:
            return self.curve.cdf(x - 1), self.curve.cdf(x)
        low, high = self.format.cells(x)
        with np.errstate(invalid="ignore"):
            before, upto = (np.where(np.isinf(x), x > 0, self.curve.cdf(end)) for end in (low, high))
        end = self.curve.support[1]
        if end in self.without:
            upto = np.where(x >= self.format.round(end * (1 - self.format.unit)), 1.0, upto)
        return before, upto

    @functools.cached_property
    def thresholds(self) -> Floats:
        """Values up to which numbers are counted: those of a law that lists them, or bins, and tails to 2^-15."""
        listed = getattr(self.curve, "values", ())
        at = np.array(listed) if listed else self._quantiles()
        return at[np.isfinite(at)]

    def events(self) -> list["Event"]:
        """What numbers may do at the thresholds: lie below, above, or between two that follow each other."""
        at, chances = self.thresholds, self.below(self.thresholds)[1]
        last, words = len(at) - 1, [f"{x:.6g}" for x in at]
        found = [Event(-1, k, float(p), f"up to {w}") for k, (p, w) in enumerate(zip(chances, words, strict=True))]
        above = np.asarray(self.curve.survival(at if self.whole else self.format.cells(at)[1]))
        above = np.where(chances < 1, above, 0.0)
        found += [Event(k, last + 1, float(p), f"above {w}") for k, (p, w) in enumerate(zip(above, words, strict=True))]
        single = bool(getattr(self.curve, "values", ()))
        for k in range(1, last + 1):
            said = f"of {words[k]}" if single else f"from {words[k - 1]} to {words[k]}"
            found.append(Event(k - 1, k, float(chances[k] - chances[k - 1]), said))
        return [event for event in found if 0 < event.chance <= 0.5]  # the rest are what is left of one of these

    def _quantiles(self) -> Floats:
        tail = 2.0 ** -np.arange(1, _TAILS + 1)
        at = self.curve.quantile(np.concatenate([tail, np.arange(1, _BINS) / _BINS, 1 - tail]))
        return np.unique(np.asarray(at) if self.whole else self.format.round_all(at))

    def largest(self, alpha: float) -> float:
        """The largest number that may come up: inf where the law exceeds the format with more than a chance alpha."""
        end = self.curve.support[1]
        over = float(self.curve.survival(self.format.cell_end(self.format.largest))) if not self.whole else 0.0
        return end if math.isfinite(end) else math.inf if over > alpha else self.format.largest


class Event(NamedTuple):
    """That a number lies above one threshold (-1: none) and not above another, both by their places; its chance."""

    after: int
    upto: int
    chance: float
    words: str


class Bet(msgspec.Struct, frozen=True):
    """Products of u - 1/2 at two places: their sum, and that of the squares of the first."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Bet") -> "Bet":
        return Bet(self.n + other.n, self.total + other.total, self.squares + other.squares)

    def log(self, alpha: float, mean: float = 0.0) -> float:
        """The log e-value against independence, of either sign.

        What a `mean` of u - 1/2 makes of products is taken off: a wrong law is no dependence, and less is no more sure.
        """
        stake = math.sqrt(288 * math.log(2 / alpha) / max(self.n, 1))
        size = stake * max(abs(self.total) - self.n * mean**2, 0.0)
        return float(np.logaddexp(size, -size) - math.log(2) - stake**2 * self.squares / 24)

    @property
    def correlation(self) -> float:
        """Of u with u."""
        return 12 * self.total / max(self.n, 1)


class Seen(msgspec.Struct, frozen=True):
    """What blocks of numbers say; blocks add."""

    n: int
    upto: tuple[int, ...]  # numbers up to each threshold
    centred: float  # the sum of u - 1/2
    outside: int  # numbers that the law forbids
    example: float  # one of those, or 0
    bets: tuple[Bet, ...]

    def between(self, event: Event) -> int:
        """Numbers that an event speaks of."""
        upto = self.upto[event.upto] if event.upto < len(self.upto) else self.n
        return upto - (self.upto[event.after] if event.after >= 0 else 0)

    def __add__(self, other: "Seen") -> "Seen":
        return Seen(
            n=self.n + other.n,
            upto=tuple(a + b for a, b in zip(self.upto, other.upto, strict=True)),
            centred=self.centred + other.centred,
            outside=self.outside + other.outside,
            example=self.example if self.outside else other.example,
            bets=tuple(a + b for a, b in zip(self.bets, other.bets, strict=True)),
        )


LAGS = ("next number", "half a call later", "same place in the next call")


def seen(law: Law, x: Floats, before: Floats | None, alpha: float) -> tuple[Seen, Floats]:
    """What one block says, and its u, which is `before` of the next block."""
    (low, high), largest = law.curve.support, law.largest(alpha)
    allowed = (x >= low) & (x <= high) & (np.abs(x) <= largest) & ~np.isin(x, law.without)
    if law.whole:
        allowed &= np.isin(x, law.curve.values) if getattr(law.curve, "values", ()) else x == np.floor(x)
    forbidden = x[~allowed]
    kept = np.where(np.isnan(x), 0.0, np.clip(x, low, high))
    at = law.thresholds
    few = _distinct(kept, law.format)
    if few is None:
        u, places, weights = _middle(law, kept), np.searchsorted(at, kept), None
    else:
        values, index, weights = few
        u, places = _middle(law, values)[index], np.searchsorted(at, values)
    upto = np.cumsum(np.bincount(places, weights, minlength=len(at) + 1))[: len(at)]
    w, half = u - 0.5, len(u) // 2
    bets = [_bet(w[:-1], w[1:]), _bet(w[:half], w[half : 2 * half])]
    bets.append(Bet() if before is None else _bet(before, w))
    example = float(forbidden[0]) if forbidden.size else 0.0
    found = Seen(len(x), tuple(int(c) for c in upto), float(w.sum()), forbidden.size, example, tuple(bets))
    return found, w


def _middle(law: Law, x: Floats) -> Floats:
    if law.format.digits >= 24 and not law.whole:
        u: Floats = law.curve.cdf(x)
        return u
    before, upto = law.below(x)
    return (before + upto) / 2


def _bet(first: Floats, later: Floats) -> Bet:
    return Bet(len(first), float(first @ later), float(first @ first))


def _distinct(x: Floats, fmt: Format) -> tuple[Floats, NDArray[np.intp], Floats] | None:
    """The values of a format of 16 bits that came up, each number's place, and how often; None for a wider one."""
    if fmt.digits >= 24:
        return None
    half = fmt.name == "float16"
    bits = (
        x.astype(np.float16).view(np.uint16) if half else (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    )
    counts = np.bincount(bits, minlength=1 << 16)
    there = np.flatnonzero(counts).astype(np.uint16)
    place = np.zeros(1 << 16, np.intp)
    place[there] = np.arange(len(there))
    values = there.view(np.float16) if half else (there.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float64), place[bits], counts[there].astype(np.float64)


def visible(p: float, n: int, level: float, missed: float) -> float:
    """The relative error of a chance p that n numbers show at that level but for a risk exp(-missed)."""

    def shown(error: float) -> bool:
        q = min(p * (1 + error), 1.0)
        critical = most(p, level / n)
        return q > critical and n * float(divergence(np.array([critical]), np.array([q]))[0]) >= missed

    low, high = 0.0, 1 / p
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high
