"""Shards and seeds: a right variance in every shard is not yet a right layer.

>>> from varlaw.theory.laws.sharding import ENTRIES
>>> {law.name: law for law in ENTRIES}["shards.identical_rank"].value(out_features=64, in_features=64, shards=8)
8.0
"""

import functools

import numpy as np

from varlaw.theory.domain import Domain, Interval, Relation, at_least
from varlaw.theory.law import Kind, Law

_SHARDS = at_least(1, typical=(1, 64))
_FEATURES = at_least(1, typical=(1, 16384))
_CORRELATION = Interval(low=-1.0, high=1.0)
_DIVIDES = Relation("shards divides out_features", lambda out_features, shards, **_: np.mod(out_features, shards) == 0)
_POSSIBLE = Relation(
    "input_correlation >= -1 / (shards - 1)",
    lambda shards, input_correlation: input_correlation * (shards - 1) >= -1,
)


_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)
ENTRIES: tuple[Law, ...] = (
    _law(
        name="shards.identical_rank",
        title="Column-parallel shards from one seed: the layer has the rank of one shard",
        quantity="rank of the whole weight matrix",
        formula="min(out_features / shards, in_features)",
        kind=Kind.BOUND,
        domain=Domain(_DIVIDES, out_features=_FEATURES, in_features=_FEATURES, shards=_SHARDS),
        rule=lambda out_features, in_features, shards: np.minimum(out_features / shards, in_features),
        hypotheses=("the output features are split over the shards", "every shard draws the same numbers"),
        derivation=(
            "Equal blocks of rows add no rank; outputs come in identical groups. Every marginal variance is right."
        ),
        statistic="numerical rank; correlation between shards",
        not_to_confuse="min(out_features, in_features), the rank of independent shards",
    ),
    _law(
        name="shards.row_parallel_ratio",
        title="Row-parallel shards from one seed: the output variance depends on the correlation of the inputs",
        quantity="E y^2 / E y^2 with independent shards",
        formula="1 + (shards - 1) * input_correlation",
        domain=Domain(_POSSIBLE, shards=_SHARDS, input_correlation=_CORRELATION),
        rule=lambda shards, input_correlation: 1 + (shards - 1) * input_correlation,
        precision="next to its zero, at a correlation of -1 / (shards - 1): absolute error 1e-16",
        hypotheses=(
            "the input features are split over the shards, every shard holds the same weights",
            "input_correlation: E<x_a, x_b> / E|x_a|^2 of the inputs of two shards",
        ),
        derivation="y = w (x_1 + ... + x_s) and E|sum x|^2 = s E|x|^2 (1 + (s-1) r).",
        statistic="mean of y^2 over fresh weights",
        not_to_confuse="1, which uncorrelated inputs give: no variance test finds the shared seed there",
    ),
    _law(
        name="shards.local_fan_ratio",
        title="A fan read from the shard inflates the variance by the number of shards",
        quantity="Var[w] / Var[w] of the whole layer",
        formula="shards",
        domain=Domain(shards=_SHARDS),
        rule=lambda shards: shards,
        hypotheses=("the fan_in dimension is split over the shards", "variance c / fan_in with the local fan_in"),
        derivation="The local fan_in is fan_in / shards.",
        statistic="variance of the entries against the law of the whole layer",
        not_to_confuse="1: the fan of a layer is that of its global shape",
    ),
    _law(
        name="shards.correlation_std",
        title="How large the sample correlation of two independent shards is by chance",
        quantity="standard deviation of the sample correlation (mean not subtracted)",
        formula="1 / sqrt(samples)",
        domain=Domain(samples=at_least(1, typical=(1, 1e9))),
        rule=lambda samples: 1 / np.sqrt(samples),
        hypotheses=(
            "two tensors of `samples` entries each, independent, neither all zero",
            "the entries of one are iid and symmetric about 0 (or any with its signs and places mixed at random)",
        ),
        derivation=(
            "The signs are independent of the sizes, so E cos^2 is the sum of E[a_i^2/|a|^2] b_i^2/|b|^2, whose first "
            "factor is 1/N for every i: entries are exchangeable. Signs alone do not do: (+-1, 0, 0) against (1, 0, 0)."
        ),
        statistic="sum(a b) / sqrt(sum a^2 sum b^2) over pairs of tensors",
        not_to_confuse="0: a threshold of five standard deviations is 5 / sqrt(samples)",
    ),
)
