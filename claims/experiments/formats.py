"""Claims on number formats: their ends, what a cast does to moments, and samplers on coarse grids."""

import functools
from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Given, Row, each, mean, taking, variance
from varlaw.theory.domain import Domain, one_of

_STEP = 2.0**-24  # spacing of float16 below its normal numbers
_ALL = ("float64", "float32", "float16", "bfloat16")

CASES: Mapping[str, Cases] = {
    "formats": Cases(
        Domain(), ({},)
    ),
    "subnormal": Cases(
        Domain(std=one_of(_STEP, 2 * _STEP), bound=one_of(3 * _STEP, 4.3 * _STEP)),
        corners("std bound", (0.7 * _STEP, 2.3 * _STEP)),
    ),
    "cells": Cases(Domain(spacing=one_of(0.5, 2.0)), corners("spacing", (1.0,))),
    "binade": Cases(Domain(), ({},)),
    "coarse": Cases(Domain(bits=one_of(3, 5)), corners("bits", (4,))),
    "furthest": Cases(Domain(), ({},)),
}  # fmt: skip


def _format(dtype: str) -> Given:
    return lambda case: {"dtype": dtype}


def _table(law: str, of: str) -> tuple[Row, ...]:
    """A row for each format: a law of formats takes its name."""
    return tuple(
        each(f"dtype.{law}", of, _format(dtype), roundings=2, name=f"law.dtype.{law}({dtype})", dtypes=(dtype,))
        for dtype in _ALL
    )


def _float16(*names: str) -> Given:
    return lambda case: {"dtype": "float16", **{name: case[name] for name in names}}


def _bits(bits: int, case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"bits": bits}


def _binade(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"spacing": 0.125, "density": 1.0, "start": 1.0}


ROWS: Mapping[str, tuple[Row, ...]] = {
    "formats": (
        *_table("largest", "largest"),
        *_table("smallest", "smallest"),
        *_table("smallest_normal", "smallest normal"),
        *_table("unit_roundoff", "roundoff"),
        *_table("square_overflow", "overflow"),
        *_table("square_underflow", "underflow"),
    ),
    "subnormal": (
        mean("rounding.normal", "normal", _float16("std"), scale=lambda c: 1.0),
        mean("rounding.uniform", "uniform", _float16("bound"), scale=lambda c: 1.0),
        mean("rounding.uniform_towards_zero", "cut", _float16("bound"), scale=lambda c: 1.0),
        mean("rounding.zero_share", "zero", _float16("std"), power=1),
    ),
    "cells": (
        mean("rounding.interior_cell", "cell", taking("spacing")),
        mean("rounding.fixed_step", "steps", taking("spacing")),
    ),
    "binade": (mean("rounding.binade", "moved", _binade, band=lambda c: 0.125,
                    basis="derived: the law's own error is O(spacing) of its value, and the spacing is 1/8"),),
    "coarse": (
        mean("rounding.grid_uniform_mean", "mean", lambda c: {"bits": 8}, scale=lambda c: 2.0**-10, power=20),
        variance("rounding.grid_uniform_variance", "one", lambda c: {"bits": 8}),
        mean("rounding.box_muller_variance", "square", taking("bits")),
        mean(
            "rounding.box_muller_loss", "square", taking("bits"), expected=lambda value, c: 1 - value,
            name="law.rounding.box_muller_loss",
        ),
    ),
    "furthest": tuple(
        each(
            "rounding.box_muller_range", "reached", functools.partial(_bits, bits), roundings=4, dtypes=(dtype,),
            name=f"law.rounding.box_muller_range({dtype})",
        )
        for dtype, bits in (("float64", 53), ("float32", 24))
    ),
}  # fmt: skip
