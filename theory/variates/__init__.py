"""Probability laws of one weight, as data: moments, distribution function, log-density and support.

Every law of entries is a `Variate`. `mean`, `variance`, `std`, `second_moment`, `kurtosis` (Pearson: normal = 3) and
`bound` (the supremum of |X|, inf when unbounded) always describe the variate itself, never the normal law that it was
cut from: a truncated or thinned normal keeps that one under `parent_std`. `Orthogonal` is a law of a whole matrix; its
`entry(rows, cols)` is the variate of one entry.

Numbers that are no weights follow a law of `skewed`, `ratios` or `counts`: a distribution function, its tail and its
inverse.

Methods take scalars or arrays and return float64 arrays of the same shape.
"""

from varlaw.theory.variates.continuous import Normal, Uniform, UniformRange
from varlaw.theory.variates.counts import COUNTS, Binomial, Categorical, Geometric, Integers, Poisson
from varlaw.theory.variates.discrete import Constant, Rademacher, SparseNormal
from varlaw.theory.variates.haar import HaarEntry, Orthogonal
from varlaw.theory.variates.ratios import CURVES, Beta, Gamma, StudentT
from varlaw.theory.variates.skewed import Cauchy, Curve, Exponential, Gumbel, Laplace, Logistic, LogNormal
from varlaw.theory.variates.structured import (
    STRUCTURED,
    Complex,
    FactorisedNoise,
    LogUniform,
    RowsNormal,
    RowsOfNorm,
    RowsStandardised,
    SampleStd,
    Sparse,
)
from varlaw.theory.variates.truncated import TruncatedNormal
from varlaw.theory.variates.variate import Continuous, Variate

__all__ = [
    "COUNTS",
    "CURVES",
    "STRUCTURED",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Complex",
    "Constant",
    "Continuous",
    "Curve",
    "Exponential",
    "FactorisedNoise",
    "Gamma",
    "Geometric",
    "Gumbel",
    "HaarEntry",
    "Integers",
    "Laplace",
    "LogNormal",
    "LogUniform",
    "Logistic",
    "Normal",
    "Orthogonal",
    "Poisson",
    "Rademacher",
    "RowsNormal",
    "RowsOfNorm",
    "RowsStandardised",
    "SampleStd",
    "Sparse",
    "SparseNormal",
    "StudentT",
    "TruncatedNormal",
    "Uniform",
    "UniformRange",
    "Variate",
]
