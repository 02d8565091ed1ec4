"""Claims on samplers: moments beyond the variance, and the statistics of a few samples."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Case, Cases, Raw, corners
from varlaw.claims.experiments.rows import Row, mean, nothing, taking, variance
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import Domain, one_of


def _cut(raw: Raw) -> Case:
    """The two ends of a cut, with its mean and standard deviation, about which the experiment takes its moments."""
    ends = {"low": raw["low"], "high": raw["high"]}
    return {
        **ends,
        "centre": LAWS["truncated_normal.mean"].value(**ends),
        "std": LAWS["truncated_normal.std"].value(**ends),
    }


def _ends(case: Case) -> Case:
    return {"low": case["low"], "high": case["high"]}


CASES: Mapping[str, Cases] = {
    "plain_draws": Cases(
        Domain(density=one_of(0.3, 0.7), scale=one_of(0.1, 3.0)), corners("density scale", (0.5, 2.0))
    ),
    "range_draws": Cases(Domain(low=one_of(-1.0, 0.5), high=one_of(2.0, 4.0)), corners("low high", (-1.0, 3.0))),
    "cut_draws": Cases(
        Domain(low=one_of(-2.0, -1.0), high=one_of(1.0, 2.0)), corners("low high", (-2.0, 2.0), (-0.5, 2.0)),
        _cut, _ends,
    ),
    "normal_length": Cases(Domain(n=one_of(2, 16), std=one_of(0.5, 2.0)), corners("n std", (8, 1.0))),
    "few_samples": Cases(Domain(samples=one_of(4, 16)), corners("samples", (8,))),
    "sparse_columns": Cases(
        Domain(rows=one_of(8, 20), sparsity=one_of(0.25, 0.6), std=one_of(0.1, 1.0)),
        corners("rows sparsity std", (10, 0.35, 0.5)),
    ),
    "complex_draws": Cases(
        Domain(real=one_of(0.5, 1.0), imaginary=one_of(1.0, 2.0), cut=one_of(1.0, 2.0)),
        corners("real imaginary cut", (1.0, 0.5, 1.5)),
    ),
}  # fmt: skip

_VARIANCES = {"uniform": 1 / 3, "triangular": 2 / 3, "logistic": 3.2898681336964524, "laplace": 2.0, "arcsine": 0.5}


def _kurtosis(family: str, given: Any = nothing, unit: float = 1.0) -> Row:
    """The fourth moment of draws whose variance is known."""
    return mean(
        f"{family.replace(' ', '_')}.kurtosis", f"{family} fourth", given,
        expected=lambda value, case: value * unit**2, power=4, kurtosis=200.0,
    )  # fmt: skip


def _density(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"density": case["density"]}


_CUT = taking("low", "high")

ROWS: Mapping[str, tuple[Row, ...]] = {
    "plain_draws": (
        *(_kurtosis(family, unit=unit) for family, unit in _VARIANCES.items()),
        _kurtosis("normal"),
        mean("rademacher.kurtosis", "sign fourth", nothing),
        mean("rademacher.variance", "sign square", taking("scale")),
        _kurtosis("sparse sign", _density),
        mean(
            "sparse_normal.kurtosis", "thinned fourth", lambda c: {"zeros": 1 - c["density"]},
            expected=lambda value, c: value * c["density"] ** 2, power=4, kurtosis=200.0,
        ),
    ),
    "range_draws": (
        mean("uniform_range.mean", "mean", taking("low", "high"), power=1),
        variance("uniform_range.variance", "one", taking("low", "high")),
        mean("uniform_range.second_moment", "square", taking("low", "high")),
    ),
    "cut_draws": (
        mean("truncated_normal.mean", "mean", _CUT, scale=lambda c: c["std"], power=1),
        mean("truncated_normal.second_moment", "square", _CUT),
        variance("truncated_normal.std", "one", _CUT, expected=lambda value, c: value**2),
        mean(
            "truncated_normal.kurtosis", "central fourth", _CUT, expected=lambda value, c: value * c["std"] ** 4,
            power=4,
        ),
        mean(
            "truncated_normal.log_mass", "inside", _CUT,
            expected=lambda value, c: 2.718281828459045**value, power=1,
        ),
        mean("truncated_normal.needless_correction", "needless", _CUT),
        mean("clipped_normal.variance", "clipped square", taking(limit="high")),
        mean("clipped_normal.atoms", "clipped", taking(limit="high"), power=1),
    ),
    "normal_length": (
        mean("normal_vector.norm_mean", "norm", taking("n", "std"), power=1),
        variance("normal_vector.norm_variance", "norm", taking("n", "std")),
    ),
    "few_samples": (
        variance("sampling.mean_square_variance", "mean square", lambda c: {"kurtosis": 1.8, **c}),
        variance("sampling.unbiased_variance_variance", "unbiased", lambda c: {"kurtosis": 1.8, **c}),
        mean("sampling.biased_variance_mean", "biased", taking("samples")),
    ),
    "sparse_columns": (mean("torch_sparse.variance", "square", taking("rows", "sparsity", "std")),),
    "complex_draws": (
        mean(
            "complex.variance", "square",
            lambda c: {"real_variance": c["real"] ** 2, "imaginary_variance": c["imaginary"] ** 2},
        ),
        mean("truncated_complex.variance", "cut", taking("cut")),
    ),
}  # fmt: skip
