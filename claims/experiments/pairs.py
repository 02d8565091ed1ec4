"""Claims on two correlated normal inputs: kernels of ReLU, and products of activations."""

from collections.abc import Mapping

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, mean, taking
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "pairs": Cases(
        Domain(c=one_of(-0.5, 0.2, 0.8), slope=one_of(0.2, 0.5)), corners("c slope", (0.5, 0.2), (-0.3, 0.1))
    ),
    "near_pairs": Cases(Domain(one_minus_c=one_of(0.005, 0.02)), corners("one_minus_c", (0.01,))),
    "pair_products": Cases(
        Domain(c=one_of(0.3, 0.9), q1=one_of(0.5, 1.5), q2=one_of(1.0, 2.0)), corners("c q1 q2", (0.6, 1.0, 2.0))
    ),
}

_C = taking("c")


def _apart(case: Mapping[str, float]) -> Mapping[str, float]:
    return {"one_minus_c": 1 - case["c"]}


def _leaky(value: float, case: Mapping[str, float]) -> float:
    """The mean of a product, or of a squared difference, of outputs whose mean square is (1 + slope^2) / 2."""
    return value * (1 + case["slope"] ** 2) / 2


ROWS: Mapping[str, tuple[Row, ...]] = {
    "pairs": (
        mean("kernel.k0", "both on", _C),
        mean("kernel.one_minus_k0", "one on", _apart),
        mean("kernel.k1", "relu", _C),
        mean("kernel.one_minus_k1", "relu apart", _apart),
        mean("kernel.k2", "square", _C, kurtosis=400.0),
        mean("kernel.one_minus_k2", "square apart", _apart, kurtosis=400.0),
        mean("correlation.relu", "relu", _C),
        mean("correlation.leaky_relu", "leaky", taking("c", "slope"), expected=_leaky, scale=lambda c: 0.5),
        mean(
            "correlation.one_minus_leaky_relu", "leaky apart", lambda c: {**_apart(c), "slope": c["slope"]},
            expected=lambda value, c: 2 * _leaky(value, c),
        ),
        mean("correlation.abs", "abs", _C),
    ),
    "near_pairs": (
        mean(
            "meanfield.relu_kernel_expansion", "relu apart", taking("one_minus_c"), band=lambda c: c["one_minus_c"],
            basis="derived: the next term is of the order one_minus_c^(3/2) of the value, which is less",
        ),
    ),
    "pair_products": (
        mean("correlation.erf_product", "erf", taking("c", "q1", "q2")),
        mean("correlation.sin_product", "sin", taking("c", "q1", "q2")),
        mean("correlation.gelu_product", "gelu", taking("c", "q1", "q2")),
        mean("correlation.relu_product", "relu", taking("c", "q1", "q2")),
    ),
}  # fmt: skip
