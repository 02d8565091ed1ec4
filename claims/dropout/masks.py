"""Masks of dropout: inputs on which every dropped entry can be told, blocks of them, and the units that fall together.

Inputs stay away from 0 and from what alpha dropout puts in the place of a dropped entry: 1 <= x <= 2 for plain dropout,
0.5 <= |x| < 1.4 with random signs for alpha dropout. Many different values are used, so that the rounding of outputs
cancels in their sums, and spread evenly: 16 bits have few of them, and how often each comes must not be left to chance.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Trial
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Dropout
from varlaw.theory.catalogue import LAWS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SEEDS = 0x7FFFFFFF  # every framework takes 31 bits


@dataclass(frozen=True)
class Block:
    """One call, all of shape (batch, channels, length): input, output, what was dropped, and what is lawfully kept.

    `ideal` is what a kept entry becomes in exact arithmetic, `rounded` the same in the dtype. What the rounding of the
    result alone does is taken off whatever is measured here: no implementation can avoid it.
    """

    x: Floats
    y: Floats
    dropped: Bools
    ideal: Floats
    rounded: Floats

    @property
    def factor(self) -> float:
        """What kept entries were multiplied by, over what they should be, in the mean; NaN where none was kept."""
        kept = ~self.dropped
        return float(self.y[kept].sum() / self.rounded[kept].sum()) if kept.any() else math.nan

    def line(self) -> tuple[float, float]:
        """Slope and shift of kept entries over x, by least squares."""
        kept = ~self.dropped
        lost, x = (self.y - self.rounded + self.ideal)[kept], self.x[kept]
        centred = x - x.mean()
        slope = float((centred * lost).sum() / (centred * centred).sum())
        return slope, float(lost.mean() - slope * x.mean())


class Masks:
    """Blocks of one subject in one trial; block k depends on the trial's key and on k alone."""

    def __init__(self, subject: Dropout, trial: Trial) -> None:
        self._subject, self._trial = subject, trial
        self._p = trial.case["p"]
        self._alpha = subject.op.endswith("alpha_dropout")
        # Kept entries become scale x + shift, dropped ones `value`.
        self.scale, self.shift, self.value = 1 / (1 - self._p), 0.0, 0.0
        if self._alpha:
            self.scale = float(LAWS["alpha_dropout.scale"].value(rate=self._p))
            self.shift = float(LAWS["alpha_dropout.shift"].value(rate=self._p))
            self.value = self.shift - self.shift / self._p  # a floor + b, with b = -a p floor
        # Axes within which a unit is dropped whole.
        self.within = {"drop_path": (1, 2), "channel_dropout": (2,), "channel_alpha_dropout": (2,)}.get(subject.op, ())

    def entries(self, units: int) -> int:
        """Entries in a call that yields so many units."""
        return units * {0: 1, 1: 2, 2: 4}[len(self.within)]

    def shape(self, entries: int) -> tuple[int, int, int]:
        """Of an input with about so many entries, and with many units."""
        match len(self.within):
            case 2:
                return max(2, entries // 4), 2, 2
            case 1:
                return max(2, entries // 128), 64, 2
            case _:
                return max(2, entries // 512), 8, 64

    def draw(self, block: int, entries: int) -> Block:
        """Block number `block`, of about `entries` entries."""
        key, shape = self._trial.key.at(block=block), self.shape(entries)
        # Values are recycled: drawing and rounding them would cost more than dropping them.
        few = self._few(key.generator(), min(math.prod(shape), 4096))
        x, ideal, rounded = (np.resize(values, shape) for values in few)
        y = self._subject.apply(x, self._p, self._trial.dtype, self._trial.device, key.seed & _SEEDS)
        if y.shape != x.shape:
            msg = f"output of shape {y.shape}, but should be {x.shape} as the input"
            raise ValueError(msg)
        dropped = np.abs(y - self.value) < np.abs(y - ideal) if self._alpha else y == 0
        return Block(x, y, dropped, ideal, rounded)

    def units(self, block: Block) -> Bools:
        """Which units were dropped: one number for all entries that fall together."""
        return block.dropped[tuple(0 if axis in self.within else slice(None) for axis in range(3))]

    def value_seen(self, block: Block) -> float:
        """What stood in the place of dropped entries, in the mean; NaN where none was dropped."""
        lawful = FORMATS[self._trial.dtype].round(self.value)
        return float(block.y[block.dropped].mean()) - lawful + self.value if block.dropped.any() else math.nan

    def _few(self, rng: np.random.Generator, count: int) -> tuple[Floats, Floats, Floats]:
        """Inputs, what they become when kept, and the same rounded."""
        fmt, order = FORMATS[self._trial.dtype], rng.permutation(count)
        x = 1 + (order // 2 + 0.5) / -(-count // 2)  # each twice, once with either sign where signs are asked for
        if self._alpha:
            x = (0.5 + 0.9 * (x - 1)) * (1 - 2 * (order % 2))
        x = fmt.round_all(x)
        ideal = self.scale * x + self.shift
        return x, ideal, fmt.round_all(ideal)
