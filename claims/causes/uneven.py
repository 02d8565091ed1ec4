"""Lines of a tensor that are uneven: wider or shifted in every tensor, drawn with a scale or mean each, or too even."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from varlaw.claims.causes.draws import Floats
from varlaw.claims.causes.words import axis_words, number, places

SIGMAS = 7.0  # from which a statistic is no chance, however many are looked at


def energies(lines: Floats) -> Floats:
    """Mean squares of lines of independent scores, standardised."""
    n = lines.shape[-1]
    standard: Floats = ((lines**2).sum(axis=-1) - n) / math.sqrt(2 * n)
    return standard


def sums(lines: Floats) -> Floats:
    sums: Floats = lines.sum(axis=-1) / math.sqrt(lines.shape[-1])
    return sums


def over(standard: Floats) -> float:
    """How far the mean square of standard numbers is above 1, in (upper bounds of) its own standard deviations."""
    return float(
        ((standard**2).sum() - standard.size) / math.sqrt(5 * standard.size + 15)
    )  # lines of 4 entries or more


def under(standard: Floats) -> bool:
    """Whether so many standard numbers lie so near to 0 by a chance below 1e-12, bounded by their density."""
    n, square = standard.size, float((standard**2).mean())
    return n >= 8 and square < 1 and n / 2 * (square - 1 - math.log(max(square, 1e-300))) > 28


@dataclass(frozen=True)
class _Lines:
    """Scores and values as tensors x lines x entries of a line, with the words for one line and several."""

    z: Floats
    raw: Floats
    one: str
    many: str


def _views(z: Floats, raw: Floats, shape: tuple[int, ...]) -> Iterator[_Lines]:
    """Rows and columns; of a kernel its axes and its taps, which are the last axes or the first."""
    rank = len(shape)
    if rank < 2:
        return
    cuts: dict[tuple[str, str], tuple[int, ...]] = {axis_words(0, 2): (0,), axis_words(1, 2): (1,)}
    if rank > 2:
        cuts = {axis_words(0, rank): (0,), axis_words(1, rank): (1,), ("tap", "taps"): tuple(range(2, rank))}
        cuts[("tap", "taps (first axes)")] = tuple(range(rank - 2))
    for (one, many), axes in cuts.items():
        lines, values = (_moved(x.reshape(-1, *shape), axes) for x in (z, raw))
        if lines.shape[1] > 1 and lines.shape[2] * len(lines) >= 4:
            yield _Lines(lines, values, one, many)


def _moved(x: Floats, axes: tuple[int, ...]) -> Floats:
    moved = np.moveaxis(x, [a + 1 for a in axes], range(1, len(axes) + 1))
    return moved.reshape(len(x), math.prod(moved.shape[1 : len(axes) + 1]), -1)


def uneven_lines(z: Floats, raw: Floats, shape: tuple[int, ...]) -> str:
    """How lines differ in the same way in every tensor, else how each tensor's differ or are too much alike."""
    views = list(_views(z, raw, shape))
    fixed = [told for view in views for told in _fixed_lines(view)]
    drawn = [] if fixed else [told for view in views if view.z.shape[2] >= 4 for told in _drawn_lines(view)]
    strongest = max(fixed or drawn, default=(0.0, ""))
    return strongest[1] if strongest[0] > SIGMAS else _too_even(views)


def _fixed_lines(view: _Lines) -> Iterator[tuple[float, str]]:
    """Lines that are wide, or shifted, in every tensor: more than they differ between tensors."""
    values = np.swapaxes(view.raw, 0, 1).reshape(view.z.shape[1], -1)  # a line of all tensors
    if (strength := _lasting(energies(view.z))) > SIGMAS:
        yield strength, f"{view.many} differ in scale: {_which(values.std(axis=1), 'std', view)}"
    if (strength := _lasting(sums(view.z))) > SIGMAS:
        yield strength, f"{view.many} differ in mean: {_which(values.mean(axis=1), 'mean', view)}"


def _lasting(standard: Floats) -> float:
    """How far lines (the last axis) differ in the mean over tensors, in standard deviations of what chance allows."""
    tensors, spread = len(standard), 1.0
    if tensors >= 4:
        spread = max(1.0, float(standard.var(axis=0, ddof=1).mean()))
    means = standard.mean(axis=0) * math.sqrt(tensors / spread)
    return max(over(means), float(np.abs(means).max()) - 2.0)


def _which(sizes: Floats, word: str, view: _Lines) -> str:
    """The blocks of lines that differ, or the line that stands out."""
    for parts in (2, 3, 4):
        if len(sizes) % parts == 0 and len(sizes) > 2 * parts and (told := _in_blocks(sizes.reshape(parts, -1), view)):
            return f"{word} {told}"
    middle = float(np.median(sizes))
    i = int(np.abs(sizes - middle).argmax())
    return f"{view.one} {i} has the {word} {number(float(sizes[i]))}, the middle one {number(middle)}"


def _in_blocks(sizes: Floats, view: _Lines) -> str:
    """Blocks of lines (a row each) that differ by much more than lines do within them."""
    within = float((sizes - sizes.mean(axis=1, keepdims=True)).std())
    if sizes.mean(axis=1).std() <= 4 * within / math.sqrt(sizes.shape[1]) or within > sizes.std() / 2:
        return ""
    n, many = sizes.shape[1], view.many.partition(" (")[0]
    means = [float(f"{mean:.3g}") for mean in sizes.mean(axis=1).tolist()]
    shown = [f"{number(mean)} in {many} {places(range(k * n, (k + 1) * n))}" for k, mean in enumerate(means)]
    return ", ".join(shown)


def _drawn_lines(view: _Lines) -> Iterator[tuple[float, str]]:
    """Lines whose scale or mean is drawn anew in each tensor."""
    z, many = view.z, view.many
    even = z / np.sqrt((z**2).mean(axis=(1, 2), keepdims=True))  # tensors may differ, too
    if (strength := over(energies(even))) > SIGMAS:
        widths = view.raw.std(axis=2)
        ends = f"from {number(float(widths.min()))} to {number(float(widths.max()))}"
        yield strength, f"{many} have scales of their own, other ones in each tensor: stds {ends}"
    if (strength := over(sums(z - z.mean(axis=(1, 2), keepdims=True)))) > SIGMAS:
        yield strength, f"{many} have means of their own, other ones in each tensor: their entries share a shift"


def _too_even(views: Sequence[_Lines]) -> str:
    for view in views:
        if view.z.shape[2] >= 4 and under(sums(view.z)):
            many = view.many
            return f"the means of {many} are nearer to the law's than chance allows (centred, stratified or antithetic)"
        if view.z.shape[2] >= 4 and under(energies(view.z)):
            return f"the {view.many} are all equally wide, more than chance allows (normalised or orthogonal)"
    return ""
