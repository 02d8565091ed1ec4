"""keras.random and noise layers: the bare samplers, and the streams that seeds give."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.keras.framework import KERAS, floats, keras, place
from varlaw.subjects.rows import sampler
from varlaw.subjects.seeds import streams
from varlaw.subjects.subject import Case, Sampler

Arguments = Callable[[Case], Mapping[str, Any]]


def _sampler(name: str, arguments: Arguments, documented: str, op: str = "shape", label: str = "") -> Sampler:
    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        seed = random.randrange(1, 2**30)
        return {"": getattr(keras().random, name)(tuple(case["shape"]), dtype=dtype, seed=seed, **arguments(case))}

    return sampler(KERAS, f"keras.random.{name}{label}", op, build, {"": documented})


def _streams() -> Sampler:
    """Two generators of neighbouring seeds, two draws each: four streams that should be four."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        seed = random.randrange(1, 2**30)
        found = {}
        for i in range(2):
            generator = keras().random.SeedGenerator(seed + i)
            for j in range(2):
                x = keras().random.normal(tuple(case["shape"]), stddev=case["scale"], dtype=dtype, seed=generator)
                found[f"seed {i} draw {j}"] = x
        return found

    names = (f"seed {i} draw {j}" for i in range(2) for j in range(2))
    return sampler(KERAS, "keras.random.SeedGenerator", "matrix", build, dict.fromkeys(names, "Normal(scale)"))


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    return floats(keras().random.normal(tuple(case["shape"]), dtype=dtype, seed=seed))


def _noise() -> Sampler:
    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        x = keras().ops.zeros(tuple(case["shape"]), dtype=dtype)
        return {"": keras().layers.GaussianNoise(case["scale"] / 3, dtype=dtype)(x, training=True)}  # at most 1

    return sampler(KERAS, "keras.layers.GaussianNoise", "shape", build, {"": "Normal(scale/3)"})


SAMPLERS: tuple[Sampler, ...] = (
    _sampler("normal", lambda c: {"stddev": c["scale"]}, "Normal(scale)"),
    _sampler("uniform", lambda c: {"minval": -c["scale"], "maxval": c["scale"]}, "Uniform(scale)"),
    *(
        _sampler("truncated_normal", lambda c: {"stddev": c["scale"]}, "TruncatedNormal(scale, -2, 2)", op, label)
        for op, label in (("shape", ""), ("sample", "(many)"))
    ),
    _streams(),
    streams(KERAS, "keras.random.normal(seeds)", _of_seed, place),
    _noise(),
)
