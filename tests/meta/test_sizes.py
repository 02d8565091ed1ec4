"""The recorder keeps every size that it saw, and puts cases together only where that widens nobody's range."""

import math
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.meta import sizes
from varlaw.claims.claim import deterministic
from varlaw.evidence.exact import compare
from varlaw.verify import deviations
from varlaw.verify.deviations import measured
from varlaw.verify.deviations.measured import Band


def _seen(case: str, *values: float, violates: bool = True) -> list[sizes.Seen]:
    fixed = {"row": "row", "place": "claim target float32", "corners": ["a", "b", "c"], "version": "1"}
    return [sizes.Seen(case=case, violates=violates, size=repr(x), **fixed) for x in values]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [(0.997431, 0.99743, 0.99744), (8.68551, 8.68, 8.69), (1.0, 1.0, 1.0), (-0.12346, -0.124, -0.123), (0.5, 0.5, 0.5)],
)
def test_few_digits_are_rounded_away_from_what_was_seen(value: float, low: float, high: float) -> None:
    assert (sizes._outward(value, -1), sizes._outward(value, 1)) == (low, high)
    assert low <= value <= high


def test_cases_share_a_band_where_each_foresees_the_other() -> None:
    alike = _seen("a", 1.1, 1.3) + _seen("b", 1.2, 1.35)
    assert sizes._bands(alike, 40) == [Band(1.1, 1.35, ("a", "b"))]
    assert sizes._bands(alike + _seen("c", 1.15, 1.3), 40) == [Band(1.1, 1.35)]  # in every corner
    apart = _seen("a", 0.25, 150_000.0) + _seen("b", 0.99, 1.01)
    assert {b.cases for b in sizes._bands(apart, 40)} == {("a",), ("b",)}


def test_a_case_that_conforms_has_no_band_and_nan_has_its_own() -> None:
    assert sizes._bands(_seen("a", 1.0, 1.001, violates=False) + _seen("b", 0.5), 40) == [Band(0.5, 0.5, ("b",))]
    ordinary, odd = sizes._bands(_seen("a", 0.5, math.nan, 0.75), 40)
    assert ordinary == Band(0.5, 0.75, ("a",))
    assert math.isnan(odd.low)
    assert math.isnan(odd.high)


def test_keyed_points_are_written_where_they_leave_the_corners() -> None:
    corners = _seen("a", 0.5, 0.75)
    assert sizes._bands(corners + _seen("*", 0.625), 40) == [Band(0.5, 0.75, ("a",))]
    assert sizes._bands(corners + _seen("*", 0.25), 40)[-1] == Band(0.25, 0.25, ("*",))


def _recorded(row: str, dtype: str, *values: float, version: str = "1") -> list[sizes.Seen]:
    fixed = {"row": row, "place": f"claim target {dtype}", "case": "a", "corners": ["a"], "version": version}
    return [sizes.Seen(violates=True, size=repr(x), **fixed) for x in values]  # type: ignore[arg-type]


def _old(row: str, dtypes: tuple[str, ...], backends: tuple[str, ...] = ()) -> measured.Sizes:
    rows = {row: {f"claim target {dtype}": ((0.5, 0.6),) for dtype in dtypes}}
    return measured.Sizes(inputs=40, versions=("1",), dtypes=dtypes, backends=backends, rows=rows)


def test_a_new_recording_keeps_the_old_sizes_of_other_dtypes() -> None:
    row = "mlx-norm-16-bit"
    new = sizes._tabled({Path("mlx.12.float16.jsonl"): _recorded(row, "float16", 0.25)})
    table = sizes._with_old(new, _old(row, ("float32", "float16")))
    assert table.how[row] == measured.Recording(inputs=12, dtypes=("float32", "float16"))
    assert table.bands[row] == {"claim target float32": [Band(0.5, 0.6)], "claim target float16": [Band(0.25, 0.25)]}
    anew = sizes._tabled({Path("mlx.40.float32.jsonl"): _recorded(row, "float32", 0.25)})
    assert sizes._with_old(anew, _old(row, ("float32",))).how[row] == measured.Recording(inputs=40, dtypes=("float32",))


def test_a_recording_of_some_claims_keeps_the_old_sizes_of_the_others() -> None:
    row = "mlx-norm-16-bit"
    old = {"claim target float16": ((0.5, 0.6),), "other target float16": ((0.7, 0.8),)}
    known = measured.Sizes(inputs=40, versions=("1",), dtypes=("float16",), rows={row: old})
    new = sizes._tabled({Path("mlx.12.float16.jsonl"): _recorded(row, "float16", 0.25)})
    found = sizes._with_old(new, known).bands[row]
    assert found == {"claim target float16": [Band(0.25, 0.25)], "other target float16": [Band(0.7, 0.8)]}


def test_one_backend_stands_beside_another_and_both_are_written() -> None:
    row = "keras-max-norm-open"
    new = sizes._tabled({Path("keras.jax.6.float32.jsonl"): _recorded(row, "float32", 0.25, version="3.15.1+jax")})
    table = sizes._with_old(new, _old(row, ("float32",), ("torch",)))
    assert table.how[row] == measured.Recording(inputs=6, dtypes=("float32",), backends=("jax", "torch"))
    assert table.bands[row]["claim target float32"] == [Band(0.5, 0.6), Band(0.25, 0.25)]


def test_rows_that_were_recorded_in_another_way_are_written_apart() -> None:
    usual, few = measured.Recording(inputs=40, dtypes=("float32",)), measured.Recording(inputs=5, dtypes=("float16",))
    table = sizes.Table({"a": usual, "b": few, "c": usual}, {name: {"p": [Band(0.5, 1.0)]} for name in "abc"})
    text = tomllib.loads(sizes._toml(table, ["1"]))
    found = msgspec.convert(text, measured.Sizes)
    assert {name: found.recording(name) for name in "abc"} == table.how
    assert list(found.apart) == ["b"]


def test_a_row_is_recorded_only_where_all_that_it_speaks_of_is_among_the_targets() -> None:
    """A place that a recording left out would foresee no violation."""
    (row,) = (r for r in deviations.rows() if r.id == "torch-batch-norm-constant")
    assert sizes._whole(row, ("torch.*",))
    assert not sizes._whole(row, ("torch.nn.Linear",))


@pytest.mark.parametrize("scaled", [True, False])
def test_sums_that_cancel_raise_no_false_alarm_on_fresh_salts(scaled: bool) -> None:
    """Two terms in float32 where float64 is promised: a ratio to their sum, which may be about 0, may be anything."""
    rng = np.random.default_rng(1)
    terms = rng.standard_normal((9_000, 2))
    expected, size = terms.sum(axis=1), np.abs(terms).sum(axis=1)
    observed = terms.astype(np.float32).astype(np.float64).sum(axis=1)
    found = [
        deterministic(compare([o], [e], [1e-12 * s], [s] if scaled else None), quantity="entry")
        for o, e, s in zip(observed, expected, size, strict=True)
    ]
    recorded = sizes._bands(_seen("a", *(measured.size(f) for f in found[:40])), 40)
    missed = sum(not measured.meets(f, measured.foreseen(recorded, f, None, 40)) for f in found[40:])
    assert (missed == 0) is scaled
