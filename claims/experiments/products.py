"""Claims on products of random matrices: lengths and determinants, their logarithms, and layers that die."""

import math
from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Case, Cases, Raw, corners
from varlaw.claims.experiments.rows import Row, mean, taking, variance
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import Domain, one_of


def _widths(raw: Raw) -> Case:
    """A stack of three layers that narrows and widens."""
    return {"widths": [raw["width"], raw["width"] // 2, raw["width"]]}


CASES: Mapping[str, Cases] = {
    "chain": Cases(
        Domain(n=one_of(3, 4), factors=one_of(20, 50), variance=one_of(0.25, 0.5)),
        corners("n factors variance", (4, 100, 0.25)),
    ),
    "frames": Cases(
        Domain(n=one_of(2, 3), factors=one_of(5, 10), variance=one_of(0.25, 0.5)),
        corners("n factors variance", (4, 8, 0.25)),
    ),
    "few_factors": Cases(
        Domain(n=one_of(24, 32), factors=one_of(1, 2), variance=one_of(1 / 24, 1 / 32)),
        corners("n factors variance", (32, 2, 1 / 32)),
    ),
    "linear_stack": Cases(
        Domain(width=one_of(16, 24)),
        corners("width", (12,)),
        _widths,
        lambda case: {"width": (case["widths"] or [0])[0]},
    ),
    "relu_stack": Cases(Domain(width=one_of(32, 40), layers=one_of(1, 2)), corners("width layers", (48, 2))),
    "relu_layer": Cases(Domain(width=one_of(2, 4)), corners("width", (3,))),
    "condition": Cases(Domain(factors=one_of(150, 200)), corners("factors", (100,))),
}


def _spread(case: Mapping[str, Any]) -> float:
    """The standard deviation of ln |M x|: what an error of its mean is measured in."""
    return math.sqrt(LAWS["products.log_norm_variance"].value(n=case["n"], factors=case["factors"]))


def _squared(value: float, case: Mapping[str, Any]) -> float:
    """E |M x|^2 of a law that states the logarithm of its root."""
    return math.exp(2 * value)


def _one_layer(case: Mapping[str, Any]) -> float:
    return math.sqrt(LAWS["products.relu_log_variance_alive"].value(width=case["width"]))


def _two(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"widths": [case["width"]] * 2}


def _named(law: str, way: str) -> str:
    """Of weights that are symmetric without being normal a claim has a name of its own."""
    return f"law.products.{law}({way.strip()})" if way else ""


_CHAIN, _WIDTH = taking("n", "factors", "variance"), taking("width")

ROWS: Mapping[str, tuple[Row, ...]] = {
    "chain": (
        mean("products.log_norm_mean", "log", _CHAIN, scale=_spread),
        variance("products.log_norm_variance", "log", taking("n", "factors")),
        mean("products.log_norm_drift", "drift", taking("n", "factors"), scale=lambda c: 2 * _spread(c)),
    ),
    "frames": (
        mean("products.log_det_mean", "log det", _CHAIN, scale=lambda c: c["n"] ** 0.5 * _spread(c)),
        mean(
            "products.lyapunov_exponent", "second", lambda c: {"n": c["n"], "index": 2, "variance": c["variance"]},
            scale=lambda c: _spread(c) / c["factors"],
        ),
    ),
    "few_factors": (
        mean("products.log_rms", "square", _CHAIN, expected=_squared),
        mean(
            "products.linear_fourth_moment", "fourth", taking(width="n", layers="factors"),
            expected=lambda v, c: v * (c["n"] * c["variance"]) ** (2 * c["factors"]), power=4, kurtosis=100.0,
        ),
        mean(
            "products.linear_eighth_moment", "eighth", taking(width="n", layers="factors"),
            expected=lambda v, c: v * (c["n"] * c["variance"]) ** (4 * c["factors"]), power=8, kurtosis=400.0,
        ),
    ),
    "linear_stack": (
        mean("products.linear_log_mean", "log", taking("widths"), scale=lambda c: 1.0, power=1),
        variance("products.linear_log_variance", "log", taking("widths"), kurtosis=100.0),
    ),
    "relu_stack": (
        mean("products.relu_fourth_moment", "fourth", taking("width", "layers"), power=4, kurtosis=100.0),
        variance(
            "products.linear_log_variance_leading", "linear log", taking("width", "layers"),
            band=lambda c: 1.5 / c["width"], basis="derived: one part in the width is left out, and less beyond it",
        ),
        variance(
            "products.relu_log_variance", "log", lambda c: {"widths": [c["width"]] * c["layers"]},
            band=lambda c: 8 / c["width"],
            basis="derived: the sum of 1 / n^2 that is left out, over the law's own 5 / n",
        ),
    ),
    "relu_layer": (
        mean("products.relu_log_mean_alive", "log", taking("width"), scale=_one_layer),
        variance("products.relu_log_variance_alive", "log", taking("width"), kurtosis=100.0),
        *(
            row
            for way in ("", " uniform")
            for row in (
                mean("products.dead_layer", f"dead{way}", _WIDTH, kurtosis=60.0, name=_named("dead_layer", way)),
                mean("products.dead_network", f"gone{way}", _two, kurtosis=60.0, name=_named("dead_network", way)),
            )
        ),
    ),
    "condition": (
        # Of a product of 2 x 2 matrices the leading order is off by O(1) in the number of factors: by ln 2 at most
        # on average, the bias that a vector's growth has against that of the largest singular value.
        mean("products.log_condition", "log condition", lambda c: {"n": 2, "factors": c["factors"]},
             band=lambda c: 2 * math.log(2) / c["factors"],
             basis="derived: twice ln 2, the most by which a vector grows less than the largest value"),
    ),
}  # fmt: skip
