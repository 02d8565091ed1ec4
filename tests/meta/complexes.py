"""Complex weights in NumPy, by parts or by modulus and phase, as they should be and with one mistake each."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.complex_parts import CIRCULAR, cut_normal, disc, each, parts, polar
from varlaw.subjects.subject import Case, Framework, Sampler, Tensor
from varlaw.theory.catalogue import LAWS

OURS = Framework(name="numpy", version=lambda: np.__version__, devices=lambda: ("cpu",))
_COMPLEX = {"float32": np.complex64, "float64": np.complex128}
Draw = Callable[[np.random.Generator, tuple[int, int]], Any]  # -> complex numbers with E|w|^2 = 1


def _sampler(laws: Mapping[str, str], split: Callable[[Any], Mapping[str, Any]], draw: Draw) -> Sampler:
    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield split(draw(rng, (case["in_features"], case["out_features"])).astype(_COMPLEX[dtype]))

    tensors = tuple(Tensor(name=n, documented=law) for n, law in laws.items())
    return Sampler(name="numpy.complex", framework=OURS, op="linear", tensors=tensors, draws=draws)


def of_parts(draw: Draw) -> Sampler:
    """Normal parts of variance 1/2."""
    return _sampler(each("Normal(sqrt(1/2))"), parts, draw)


def circular(share: Callable[[Any, Any], Any], draw: Draw) -> Sampler:
    """Modulus and phase, by the distribution function `share` of |w|^2."""
    return _sampler(CIRCULAR, lambda w: polar(np, w, share), draw)


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Circular, of variance 1."""
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / math.sqrt(2)


def in_disc(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Uniform on the disc of radius sqrt(2)."""
    return np.sqrt(2 * rng.random(shape)) * np.exp(2j * np.pi * rng.random(shape))


def cut(rng: np.random.Generator, shape: tuple[int, int], kept: float = 0.0) -> Any:
    """Normals kept where their modulus is at most 2, over the root of the variance that is left, or of `kept`."""
    z = normal(rng, (2 * math.prod(shape) + 64, 1)).ravel()
    z = z[np.abs(z) <= 2][: math.prod(shape)].reshape(shape)
    return z / math.sqrt(kept or LAWS["truncated_complex.variance"].value(cut=2.0))


def _one_percent(draw: Draw) -> Draw:
    return lambda rng, shape: 1.01 * draw(rng, shape)


def _real_twice(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    return (1 + 1j) * rng.standard_normal(shape) / math.sqrt(2)


def _related(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    z = normal(rng, shape)
    return z.real + 1j * (0.6 * z.real + 0.8 * z.imag)


RIGHT = {"parts": of_parts(normal), "disc": circular(disc, in_disc), "cut at 2": circular(cut_normal, cut)}
WRONG: dict[str, tuple[str, str, Sampler]] = {
    "each part of the whole variance": ("init.documented", "float32", of_parts(
        lambda rng, shape: math.sqrt(2) * normal(rng, shape))),
    "a cut not divided by the mass kept": ("init.documented", "float32", circular(
        cut_normal, lambda rng, shape: cut(rng, shape, 1 - 5 * math.exp(-4)))),
    "a square for a disc": ("init.documented", "float32", circular(
        disc, lambda rng, shape: (rng.uniform(-1, 1, (*shape, 2)) * math.sqrt(1.5)) @ np.array([1, 1j]))),
    "half of the phases": ("init.documented", "float32", circular(
        disc, lambda rng, shape: np.abs(in_disc(rng, shape)) * np.exp(1j * np.pi * rng.random(shape)))),
    "one part twice": ("structure.distinct", "float32", of_parts(_real_twice)),
    "parts that correlate": ("structure.uncorrelated", "float32", of_parts(_related)),
}  # fmt: skip
FINE = {  # off by 1 % and more: what `nightly` finds
    "parts": of_parts(_one_percent(normal)),
    "disc": circular(disc, _one_percent(in_disc)),
    "a smaller disc": circular(disc, lambda rng, shape: 0.99 * in_disc(rng, shape)),
    "cut at 2": circular(cut_normal, _one_percent(cut)),
    "a smaller cut": circular(cut_normal, lambda rng, shape: 0.99 * cut(rng, shape)),
    "a cut that is not widened": circular(cut_normal, lambda rng, shape: cut(rng, shape, 1.0)),
}
