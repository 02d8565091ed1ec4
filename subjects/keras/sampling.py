"""keras.random and noise layers: the bare samplers, and the streams that seeds give."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.keras.framework import KERAS, drawn, floats, keras, place
from varlaw.subjects.seeds import streams
from varlaw.subjects.subject import Case, Sampler, Tensor

Arguments = Callable[[Case], Mapping[str, Any]]


def _sampler(name: str, arguments: Arguments, documented: str, op: str = "shape", label: str = "") -> Sampler:
    def build(case: Case, dtype: str) -> Mapping[str, Any]:
        seed = random.randrange(1, 2**30)
        return {"": getattr(keras().random, name)(tuple(case["shape"]), dtype=dtype, seed=seed, **arguments(case))}

    tensors = (Tensor(name="", documented=documented),)
    return Sampler(name=f"keras.random.{name}{label}", framework=KERAS, op=op, tensors=tensors, draws=drawn(build))


def _streams() -> Sampler:
    """Two generators of neighbouring seeds, two draws each: four streams that should be four."""

    def build(case: Case, dtype: str) -> Mapping[str, Any]:
        seed = random.randrange(1, 2**30)
        found = {}
        for i in range(2):
            generator = keras().random.SeedGenerator(seed + i)
            for j in range(2):
                x = keras().random.normal(tuple(case["shape"]), stddev=case["scale"], dtype=dtype, seed=generator)
                found[f"seed {i} draw {j}"] = x
        return found

    names = (f"seed {i} draw {j}" for i in range(2) for j in range(2))
    tensors = tuple(Tensor(name=n, documented="Normal(scale)") for n in names)
    return Sampler(name="keras.random.SeedGenerator", framework=KERAS, op="matrix", tensors=tensors, draws=drawn(build))


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    return floats(keras().random.normal(tuple(case["shape"]), dtype=dtype, seed=seed))


def _noise() -> Sampler:
    def build(case: Case, dtype: str) -> Mapping[str, Any]:
        x = keras().ops.zeros(tuple(case["shape"]), dtype=dtype)
        return {"": keras().layers.GaussianNoise(case["scale"] / 3, dtype=dtype)(x, training=True)}  # at most 1

    tensors = (Tensor(name="", documented="Normal(scale/3)"),)
    return Sampler(name="keras.layers.GaussianNoise", framework=KERAS, op="shape", tensors=tensors, draws=drawn(build))


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
