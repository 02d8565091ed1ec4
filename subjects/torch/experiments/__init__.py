"""Experiments on torch: computations on random input of which laws speak, by topic."""

from varlaw.subjects.subject import Experiment
from varlaw.subjects.torch.experiments import (
    attending,
    clipped,
    formats,
    gates,
    geometry,
    maps,
    normalising,
    orthogonal,
    pairs,
    products,
    recurrent,
    sampling,
    sharding,
    spectra,
    stacks,
    stages,
    starting,
)

_TOPICS = (
    attending,
    clipped,
    formats,
    gates,
    geometry,
    maps,
    normalising,
    orthogonal,
    pairs,
    products,
    recurrent,
    sampling,
    sharding,
    spectra,
    stages,
    stacks,
    starting,
)

EXPERIMENTS: tuple[Experiment, ...] = tuple(row for topic in _TOPICS for row in topic.EXPERIMENTS)
