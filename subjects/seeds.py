"""Streams of seeds that differ: rows that show whether a framework listens to all of the seed that it accepts.

Three tensors are drawn from three seeds that agree in their last 31 bits. A framework that keeps 32 of them, without a
word, gives the first and the last the same numbers; one that refuses a seed is asked for another.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from varlaw.subjects.rows import drawn as of_draws
from varlaw.subjects.subject import Array, Case, Framework, Sampler

Draw = Callable[[Case, str, str, int], Array]  # (case, dtype, device, seed) -> a tensor
Around = Callable[[str, str], AbstractContextManager[Any]]  # (dtype, device) -> what leaves the global stream alone

_FAR = {"seed": 0, "seed + 2**31": 1 << 31, "seed + 2**32": 1 << 32}
_STRIDE = 0x9E3779B1  # odd: the seeds of successive instances


def streams(
    framework: Framework,
    name: str,
    draw: Draw,
    around: Around = lambda dtype, device: nullcontext(),
    documented: str = "Normal(1)",
) -> Sampler:
    """A row for the numbers that `draw` gives for seeds that differ in one high bit."""

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        for i in range(count):
            first = (seed + i * _STRIDE) % (1 << 31)
            with around(dtype, device):
                drawn = {
                    label: _accepted(draw, case, dtype, device, (first, first + far)) for label, far in _FAR.items()
                }
            yield drawn

    return of_draws(framework, name, "matrix", draws, dict.fromkeys(_FAR, documented))


def _accepted(draw: Draw, case: Case, dtype: str, device: str, seeds: tuple[int, int]) -> Array:
    """The numbers of the second seed, or of a neighbour of the first where the second is refused."""
    first, wanted = seeds
    try:
        return draw(case, dtype, device, wanted)
    except (OverflowError, TypeError, ValueError):
        return draw(case, dtype, device, (first ^ wanted) % 30011 + first // 2 + 1)


def of_one(
    framework: Framework,
    name: str,
    draws: Mapping[str, tuple[str, Draw]],
    around: Around = lambda dtype, device: nullcontext(),
    **rest: Any,
) -> Sampler:
    """A row for what several calls make of *one* seed: tensor -> its law, and the call that gives it.

    Whoever draws weights and biases, or two shapes, from one key has such tensors in one model.
    """

    def drawn(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        for i in range(count):
            one = (seed + i * _STRIDE) % (1 << 31)
            with around(dtype, device):
                found = {label: draw(case, dtype, device, one) for label, (_, draw) in draws.items()}
            yield found

    return of_draws(framework, name, "matrix", drawn, {label: law for label, (law, _) in draws.items()}, **rest)


def taller(case: Case) -> list[int]:
    """The case's shape with one more row: the same seed, another size."""
    rows, *others = case["shape"]
    return [rows + 1, *others]
