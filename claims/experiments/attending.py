"""Claims on attention: logits, weights, entropy, output, scales, caps and masks, positions, and routers' losses."""

import math
from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Given, Row, each, mean, nothing, taking
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "logits": Cases(
        Domain(d=one_of(8, 16), query=one_of(0.5, 1.0), key=one_of(1.0, 2.0)), corners("d query key", (8, 0.5, 2.0))
    ),
    "attention_weights": Cases(
        Domain(n=one_of(8, 24), std=one_of(0.5, 1.5), value_std=one_of(0.5, 1.0)),
        corners("n std value_std", (16, 1.0, 2.0)),
    ),
    "attention_small": Cases(
        Domain(n=one_of(8, 16), std=one_of(0.2, 0.25), value_std=one_of(1.0)),
        corners("n std value_std", (12, 0.25, 1.0)),
    ),
    "attention_long": Cases(
        Domain(n=one_of(384, 512), std=one_of(0.4, 0.5)), corners("n std", (512, 0.5))
    ),
    **dict.fromkeys(("attend", "attend_grouped"), Cases(Domain(d=one_of(8, 16)), corners("d", (8,)))),
    "attend_chosen": Cases(
        Domain(d=one_of(8, 16), scale=one_of(0.05, 1.0)), corners("d scale", (8, 1.0), (8, 0.125), (8, 0.0))
    ),
    "attend_capped": Cases(
        Domain(d=one_of(8, 16), scale=one_of(0.35, 1.0), cap=one_of(1.0, 5.0, 50.0)),
        corners("d scale cap", (8, 0.35, 50.0), (8, 1.0, 2.0)),
    ),
    "attend_blind": Cases(Domain(d=one_of(8, 16)), corners("d", (8,))),
    "attend_large": Cases(Domain(d=one_of(8)), corners("d", (8,))),
    "causal": Cases(Domain(length=one_of(4, 32)), corners("length", (16,))),
    "positions": Cases(
        Domain(dim=one_of(16, 64), distance=one_of(1, 5), base=one_of(100.0, 10000.0)),
        corners("dim distance base", (32, 3, 10000.0)),
    ),
    "sinusoidal": Cases(Domain(dim=one_of(16, 64), distance=one_of(1, 5)), corners("dim distance", (32, 3))),
    "rotary": Cases(
        Domain(dim=one_of(16, 64), position=one_of(0, 1000), distance=one_of(1, 5), base=one_of(10000.0)),
        corners("dim position distance base", (32, 0, 3, 10000.0), (32, 3000, 3, 10000.0), (32, 100_000, 3, 10000.0)),
    ),
    "alibi": Cases(
        Domain(heads=one_of(4, 12), distance=one_of(3, 100)),
        corners("heads distance", (8, 1), (6, 1), (12, 1000)),
    ),
    "router": Cases(Domain(experts=one_of(4, 8), top_k=one_of(1, 2)), corners("experts top_k", (8, 1), (8, 2))),
    "router_switch": Cases(Domain(experts=one_of(4, 8)), corners("experts", (8,))),
    "router_z": Cases(
        Domain(experts=one_of(4, 8), shift=one_of(0.0, 2.0)), corners("experts shift", (8, 0.0), (8, 1.0))
    ),
}  # fmt: skip

_WEIGHTS, _LONG = taking("n", "std"), taking("std")


def _variances(*names: str) -> Given:
    """The law's arguments among the head's size and the variances of queries and keys."""
    known = {"query_variance": "query", "key_variance": "key"}
    return lambda case: {name: case[known[name]] ** 2 if name in known else case[name] for name in names}


def _missing(case: Mapping[str, Any]) -> float:
    return float(case["std"] ** 2 / 2)


_NEXT = "derived: twice the term that the expansion leaves out"

_NARROW = ("float32", "bfloat16", "float16")
_IN_32_BITS: dict[str, Any] = {"roundings": 256, "dtypes": ("float32",)}

ROWS: Mapping[str, tuple[Row, ...]] = {
    "logits": (
        mean("attention.logit_variance", "square", _variances("d", "query_variance", "key_variance")),
        mean("attention.scaled_logit_variance", "scaled square", _variances("query_variance", "key_variance")),
        mean("attention.logit_kurtosis", "fourth", taking("d"), power=4, kurtosis=400.0),
        mean("attention.cosine_variance", "cosine", taking("d")),
        mean("attention.normalised_logit_variance", "even", taking("d")),
        each("attention.aligned_logit", "aligned", taking("d")),
        mean("attention.tied_logit_mean", "tied", lambda c: {"d": c["d"], "variance": c["query"] ** 2}),
    ),
    "attention_weights": (
        mean("attention.weight_square", "weight square", _WEIGHTS),
        mean("attention.entropy", "entropy", _WEIGHTS, power=1),
        mean(
            "attention.output_second_moment", "output",
            lambda c: {"n": c["n"], "std": c["std"], "value_variance": c["value_std"] ** 2},
        ),
    ),
    "attention_small": (
        mean("attention.weight_square_small", "weight square", _WEIGHTS, band=lambda c: 2 * c["std"] ** 4, basis=_NEXT),
        mean(
            "attention.entropy_small", "entropy", _WEIGHTS, power=1,
            band=lambda c: 2 * c["std"] ** 4 / math.log(c["n"]), basis=_NEXT,
        ),
    ),
    "attention_long": (
        mean("attention.weight_square_long", "long", _LONG, basis=_NEXT,
             band=lambda c: 2 * math.exp(4 * c["std"] ** 2) / c["n"]),
        mean("attention.entropy_long", "missing entropy", _LONG, basis=_NEXT,
             band=lambda c: 2 / (c["n"] * _missing(c))),
    ),
    "attend": (
        each("attention.weight_ratio", "ratio", taking("logit", "first", "d"), roundings=128),
        each("attention.weight_sum", "sum", nothing),
        each("attention.masked_weight", "masked", nothing),
    ),
    "attend_grouped": (
        each("attention.weight_ratio", "ratio", taking("logit", "first", "d"), **_IN_32_BITS),
        each("attention.weight_sum", "sum", nothing, **_IN_32_BITS),
    ),
    "attend_chosen": (
        each("attention.weight_ratio_chosen", "ratio", taking("logit", "first", "scale", "bias"), **_IN_32_BITS),
    ),
    "attend_capped": (
        each("attention.weight_ratio_capped", "ratio", taking("logit", "first", "scale", "cap"), **_IN_32_BITS),
    ),
    "attend_blind": (each("attention.blind_weight", "blind", nothing, dtypes=("float64", *_NARROW)),),
    "attend_large": (
        each(
            "attention.weight_sum", "sum", nothing, dtypes=_NARROW, roundings=16,
            name="law.attention.weight_sum(large)",
        ),
    ),
    "causal": (mean("attention.uniform_causal_second_moment", "output", taking("length")),),
    "positions": (
        each("positions.sinusoidal_square_norm", "norm", taking("dim")),
        each(
            "positions.sinusoidal_product", "product", taking("dim", "distance", "base"), scale=lambda k: k["dim"] / 2
        ),
    ),
    "sinusoidal": (
        each("positions.sinusoidal_square_norm", "norm", taking("dim"), roundings=16, dtypes=("float32",)),
        each(
            "positions.sinusoidal_product", "product", taking("dim", "distance", "base"), dtypes=("float32",),
            scale=lambda k: k["dim"] / 2,
        ),
    ),
    # Of vectors of ones, half of it each: every pair is (1, 1), of square 2.
    "rotary": (
        each("positions.sinusoidal_square_norm", "norm", taking("dim"), roundings=16, dtypes=_NARROW),
        each(
            "positions.sinusoidal_product", "product", taking("dim", "distance", "base"), roundings=16, dtypes=_NARROW,
            scale=lambda k: k["dim"] / 2 * k["phase"],
        ),
    ),
    "alibi": (each("positions.alibi", "bias", taking("head", "distance", heads="of"), dtypes=_NARROW),),
    "router": (
        each("router.balanced_loss", "balance", taking("top_k"), dtypes=("float32",)),
    ),
    "router_switch": (each("router.balanced_loss", "balance", lambda case: {"top_k": 1}, dtypes=("float32",)),),
    "router_z": (
        each("router.z_loss", "z", taking("experts", "shift"), dtypes=("float32",)),
    ),
}  # fmt: skip
