"""Claims on spectra: Marchenko and Pastur's law, Fuss-Catalan products, Jacobians of ReLU stacks, shards."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Case, Cases, Raw, corners
from varlaw.claims.experiments.rows import Number, Row, each, mean, taking
from varlaw.theory.domain import Domain, one_of


def _binned(raw: Raw) -> Case:
    """With the middle of a bin, and half its width, in which eigenvalues are counted."""
    return {**raw, "x": 1.0, "half": 0.2}


CASES: Mapping[str, Cases] = {
    "spectrum": Cases(
        Domain(p=one_of(16, 24), n=one_of(48, 64)), corners("p n", (32, 64)), _binned,
        lambda case: {"p": case["p"], "n": case["n"]},
    ),
    "product_spectrum": Cases(
        Domain(width=one_of(40, 48), layers=one_of(1, 2)), corners("width layers", (48, 2))
    ),
    "orthogonal_spectrum": Cases(Domain(width=one_of(8, 16), layers=one_of(5, 20)), corners("width layers", (16, 10))),
    "split_layer": Cases(
        Domain(shards=one_of(2, 8), correlation=one_of(0.1, 0.8)), corners("shards correlation", (4, 0.5))
    ),
}  # fmt: skip

_TRACY_WIDOM = "derived: the largest eigenvalue lies 1.2 Tracy-Widom scales off on average, the band is 2"
_WISHART = "derived: E tr W^3 of real Wishart matrices adds (3 + 3 ratio) / n + 4 / n^2"
_FEW: dict[str, Any] = {"kurtosis": 10.0, "block": 512}
_MEASURED: dict[str, Any] = {**_FEW, "basis": "measured: it shrinks as the band does when the matrices double"}


def _ratio(case: Mapping[str, Any]) -> dict[str, Any]:
    return {"ratio": case["p"] / case["n"]}


def _edge(sign: int) -> Number:
    """Twice the scale on which an edge fluctuates (Johnstone 2001, Ann. Stat. 29): on average it lies 1.2 of it off."""

    def band(case: Mapping[str, Any]) -> float:
        p, n = case["p"] ** 0.5, case["n"] ** 0.5
        scale = (n + sign * p) * (1 / p + sign / n) ** (1 / 3)
        return float(2 * scale / (n + sign * p) ** 2)

    return band


def _product_edge(case: Mapping[str, Any]) -> float:
    return float(1.5 * case["width"] ** (-2 / 3))


def _over(size: str, times: float) -> Number:
    return lambda case: times / float(case[size])


ROWS: Mapping[str, tuple[Row, ...]] = {
    "spectrum": (
        mean("marchenko_pastur.low", "low", _ratio, band=_edge(-1), basis=_TRACY_WIDOM, **_FEW),
        mean("marchenko_pastur.high", "high", _ratio, band=_edge(1), basis=_TRACY_WIDOM, **_FEW),
        mean(
            "marchenko_pastur.moment", "cube", lambda c: {**_ratio(c), "order": 3}, band=_over("n", 6), basis=_WISHART,
            **_FEW,
        ),
        mean(
            "marchenko_pastur.density", "density", lambda c: {**_ratio(c), "x": c["x"]}, band=_over("n", 6),
            **_MEASURED,
        ),
        mean("spectra.second_moment", "square", lambda c: {"p": c["p"], "n": c["n"], "kurtosis": 3.0}, **_FEW),
        each(
            "marchenko_pastur.atom", "zero share", lambda c: {"ratio": c["n"] / c["p"]}, scale=lambda k: 1.0
        ),
    ),
    "product_spectrum": (
        mean("fuss_catalan.edge", "edge", taking("layers"), band=_product_edge, **_MEASURED),
        mean(
            "fuss_catalan.moment", "square", lambda c: {"order": 2, "layers": c["layers"]}, band=_over("width", 6),
            **_MEASURED,
        ),
        mean("fuss_catalan.variance", "variance", taking("layers"), band=_over("width", 8), **_MEASURED),
        mean("spectra.relu_gaussian_variance", "relu", taking("layers"), band=_over("width", 12), **_MEASURED),
        mean("spectra.relu_orthogonal_variance", "turned", taking("layers"), band=_over("width", 12), **_MEASURED),
    ),
    "orthogonal_spectrum": (
        each("spectra.orthogonal_linear_variance", "variance", taking("layers"), scale=lambda k: 1.0),
    ),
    "split_layer": (
        mean("shards.row_parallel_ratio", "summed", taking("shards", input_correlation="correlation")),
        mean("shards.local_fan_ratio", "local", taking("shards")),
    ),
}  # fmt: skip
