"""Entries any number of places apart: a linear filter that earlier numbers teach foretells later ones.

Given the past, an entry is standard normal under the law, so whoever bets on it with a mean that is foretold from the
entries before it, by weights that come from earlier tensors, holds a martingale: exp(sum m z - m^2/2). The weights are
the correlations at the lags where they are larger than chance makes the largest of all, shrunk by as much: where
nothing depends on anything nearly nothing is bet. The first tensors teach by their first half. What teaches may be
rounded: spectra are those of float32 numbers.
"""

import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.processes import Seen
from varlaw.evidence.scores import dot

Floats = NDArray[np.float64]

_SHORTEST = 16  # entries of a tensor, below which the lags of `Neighbours` are all that there are
_MOST = 8  # lags of a filter
_DOUBT = 2.0  # nats a lag must show beyond what the largest of all shows by chance


class Echoes:
    """The filter of values, and that of magnitudes."""

    def __init__(self) -> None:
        self._found = {"echo": Echo(), "magnitude, echo": Echo()}

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account, in their order."""
        for echo, scores in zip(self._found.values(), (seen.normal, seen.sizes), strict=True):
            echo.update(scores)

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of both."""
        return {name: echo.log_e for name, echo in self._found.items()}

    def told(self, name: str) -> str:
        """The name with the lag that a bet was largest on."""
        return f"{name} {self._found[name].lag}"


class Echo:
    """What was learnt of the lags of tensors of one shape, and what it foretold of the tensors after."""

    def __init__(self) -> None:
        self._power, self._length, self._count = np.zeros(0), 0, 0
        self.lag = 0  # that a bet was largest on
        self.log_e = 0.0

    def update(self, scores: Floats) -> None:
        """Tensors of one shape, in their order."""
        flat = scores.reshape(len(scores), -1)
        if flat.shape[1] < _SHORTEST:
            return
        if flat.shape[1] != self._length:
            early, late = _halves(flat)
            learnt = _power(early)
            self._bet(_weights(learnt, early.shape[1], len(early)), late)
            self._power = learnt + _power(late) if len(flat) > 1 else _power(flat)
            self._length, self._count = flat.shape[1], len(flat)
            return
        self._bet(_weights(self._power, self._length, self._count), flat)
        self._power += _power(flat)
        self._count += len(flat)

    def _bet(self, weights: dict[int, float], flat: Floats) -> None:
        if not weights:
            return
        foretold = np.zeros_like(flat)
        for lag, weight in weights.items():
            foretold[:, lag:] += weight * flat[:, :-lag]
        self.log_e += dot(foretold, flat) - dot(foretold, foretold) / 2
        self.lag = max(weights, key=lambda lag: abs(weights[lag]))


def _halves(flat: Floats) -> tuple[Floats, Floats]:
    """Earlier and later tensors, or of one tensor the earlier and the later entries."""
    if len(flat) > 1:
        return flat[: len(flat) // 2], flat[len(flat) // 2 :]
    return flat[:, : flat.shape[1] // 2], flat[:, flat.shape[1] // 2 :]


def _power(flat: Floats) -> Floats:
    """The power at each frequency, in sum over the tensors."""
    from scipy.fft import rfft

    waves = rfft(flat.astype(np.float32), axis=1).view(np.float32)
    energies: Floats = np.einsum("ij,ij->j", waves, waves).astype(np.float64)
    return energies[0::2] + energies[1::2]


def loudest(flat: Floats) -> int:
    """The lag whose correlation is the largest, of tensors of standard scores, a row each; 0 of short ones."""
    length = flat.shape[1]
    if length < _SHORTEST:
        return 0
    return int(np.abs(np.fft.irfft(_power(flat), length)[1 : length // 2]).argmax()) + 1


def _weights(power: Floats, length: int, count: int) -> dict[int, float]:
    """The filter by lag; empty where no lag shows more than chance does.

    Correlations are those of a ring, which the end of a tensor joins to its beginning.
    """
    entries = length * count
    ring = np.fft.irfft(power, length)[1 : length // 2] / entries
    chance = (2 * math.log(max(ring.size, 1)) + 2 * _DOUBT) / entries  # of the largest square
    strongest = np.flatnonzero(ring**2 > chance)
    strongest = strongest[np.argsort(-np.abs(ring[strongest]), kind="stable")[:_MOST]]
    if not strongest.size:
        return {}
    apart = np.abs(np.subtract.outer(strongest, strongest))
    among = np.where(apart == 0, 1.0, ring[apart - 1])
    shrunk = ring[strongest] * (1 - chance / ring[strongest] ** 2)
    weights = np.linalg.lstsq(among, shrunk, rcond=1e-3)[0]
    return {int(lag) + 1: float(weight) for lag, weight in zip(strongest, weights, strict=True)}
