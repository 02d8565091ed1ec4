"""Claims on the four laws that this project began with."""

from collections.abc import Mapping

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, mean, taking
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "founding": Cases(
        Domain(
            fan_in=one_of(16, 64), variance=one_of(0.01, 0.1), q=one_of(0.5, 4.0), bound=one_of(0.2, 3.0),
            layers=one_of(2, 12),
        ),
        corners("fan_in variance q bound layers", (32, 1 / 32, 2.0, 0.5, 6)),
    ),
}  # fmt: skip

ROWS: Mapping[str, tuple[Row, ...]] = {
    "founding": (
        mean(
            "linear.second_moment", "linear",
            lambda c: {
                "fan_in": c["fan_in"], "variance": c["variance"], "input_second_moment": 1.0, "bias_variance": 0.0,
            },
        ),
        mean("relu.second_moment", "relu", taking("q")),
        mean("uniform.variance", "uniform", taking("bound")),
        mean("residual.scaled_growth", "residual", taking("layers"), kurtosis=100.0),
    ),
}  # fmt: skip
