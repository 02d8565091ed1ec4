"""Tensors of several laws: gates, packed projections, padding rows; found by what is constant, or by scale."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from varlaw.identify.sample import Sample, moments

ALPHA = 1e-12  # false split of a tensor of one law, which a diff of baselines takes for a change

_PARTS = (2, 3, 4, 6, 8)


@dataclass(frozen=True)
class Cut:
    """Equal parts of an axis, the first (0) or the last (-1); or, with `parts` 0, one end of it and the rest."""

    axis: int
    parts: int
    end: int = 0

    def slices(self, shape: Sequence[int]) -> list[tuple[slice, ...]]:
        """The index of each block."""
        axis, side = self.axis % len(shape), shape[self.axis]
        if self.parts:
            edges = [side * i // self.parts for i in range(self.parts + 1)]
        else:
            edges = [0, 1, side] if self.end == 0 else [0, side - 1, side]
        whole = (slice(None),) * axis
        return [(*whole, slice(a, b)) for a, b in itertools.pairwise(edges)]

    def divides(self, shape: Sequence[int]) -> bool:
        side = shape[self.axis]
        return side % self.parts == 0 and side >= self.parts if self.parts else side > 1

    def where(self, block: int) -> str:
        """Where a block lies, for people."""
        axis = "the last axis" if self.axis else "axis 0"
        if self.parts:
            return f"{block}/{self.parts}..{block + 1}/{self.parts} of {axis}"
        single = block == self.end % 2
        return f"the {'last' if self.end else 'first'} of {axis}" if single else f"the rest of {axis}"


def of_chance(samples: Sequence[Sample]) -> Cut | None:
    """The coarsest cut whose blocks are each wholly fixed or wholly random, in every case."""
    return next((cut for cut in _cuts(samples) if _pure(samples, cut)), None)


def of_constants(samples: Sequence[Sample]) -> Cut | None:
    """The coarsest cut of fixed tensors into constants."""
    return next((cut for cut in _cuts(samples) if all(_constant(s, cut) for s in samples)), None)


def of_scale(samples: Sequence[Sample]) -> Cut | None:
    """The cut whose blocks differ in scale beyond chance, the likeliest one; None where all blocks have one scale."""
    found = [(_surprise(samples, cut), cut) for cut in _cuts(samples) if 0 < cut.parts <= 4]
    nats, cut = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return cut if nats > -math.log(ALPHA) else None


def _cuts(samples: Sequence[Sample]) -> Iterator[Cut]:
    if any(not s.shape for s in samples):
        return
    axes = (0, -1) if any(len(s.shape) > 1 for s in samples) else (0,)
    for parts in _PARTS:
        for axis in axes:
            cut = Cut(axis, parts)
            if all(cut.divides(s.shape) for s in samples):
                yield cut
    for axis in axes:
        for end in (0, -1):
            cut = Cut(axis, 0, end)
            if all(cut.divides(s.shape) for s in samples):
                yield cut


def _pure(samples: Sequence[Sample], cut: Cut) -> bool:
    """Whether each block is wholly fixed in every case or wholly random in every case, and some are fixed."""
    kinds = []
    for sample in samples:
        fixed = [sample.fixed[index] for index in cut.slices(sample.shape)]
        if any(f.any() and not f.all() for f in fixed):
            return False
        kinds.append(tuple(bool(f.all()) for f in fixed))
    return len(set(kinds)) == 1 and any(kinds[0])


def _constant(sample: Sample, cut: Cut) -> bool:
    blocks = [sample.values[(slice(None), *index)] for index in cut.slices(sample.shape)]
    return all(bool((b == b.flat[0]).all()) for b in blocks)


def _surprise(samples: Sequence[Sample], cut: Cut) -> float:
    """-ln p of the likelihood ratio of a scale for each block against one for all; entries may have any kurtosis."""
    from scipy.special import gammaincc

    statistic, degrees = 0.0, 0
    for sample in samples:
        whole = moments(sample.values)
        parts = [moments(sample.values[(slice(None), *index)]) for index in cut.slices(sample.shape)]
        if whole.squares == 0 or any(p.squares == 0 or p.n < 100 for p in parts):
            continue
        spread = max(whole.kurtosis - 1, 0.5) / 2
        gain = whole.n * math.log(whole.rms) - sum(p.n * math.log(p.rms) for p in parts)
        statistic, degrees = statistic + 2 * gain / spread, degrees + len(parts) - 1
    if not degrees:
        return 0.0
    p = float(gammaincc(degrees / 2, max(statistic, 0.0) / 2))
    return -math.log(p) + 0.0 if p > 0 else statistic / 2 - degrees * math.log(np.e + statistic) / 2
