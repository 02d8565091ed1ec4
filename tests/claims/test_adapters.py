"""What an adapter may change when it starts: nothing, or what rounding does, held against the whole output."""

import numpy as np
import pytest

from varlaw.claims.claim import Finding, Trial
from varlaw.claims.verdict import Outcome
from varlaw.claims.weights import adapters
from varlaw.evidence.budget import policy
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Adapter, Framework

NUMPY = Framework(name="numpy", version=lambda: np.__version__, devices=lambda: ("cpu",))
OUTPUT = np.array([1.0, -2.0, 0.001])


def found(change: float, units: float, dtype: str) -> Finding:
    """Of an adapter that adds `change` to the smallest of three outputs, where `units` of their rms are allowed."""
    row = Adapter(
        name="numpy.adapter", framework=NUMPY, op="adapter", rounding=lambda case: units,
        apply=lambda *asked: (OUTPUT, OUTPUT + np.array([0.0, 0.0, change])),
    )  # fmt: skip
    (claim,) = adapters.claims(row)
    return claim.judge(Trial({}, dtype, "cpu", policy("pr"), Key("0", "adapter", "{}")))


@pytest.mark.parametrize(
    ("change", "units", "dtype", "outcome"),
    [
        (0.0, 0.0, "float64", Outcome.CONFORMS),
        (2.0**-53, 0.0, "float64", Outcome.VIOLATES),
        (2.0**-53, 8.0, "float64", Outcome.CONFORMS),
        (2.0**-24, 8.0, "float64", Outcome.VIOLATES),  # what is computed in float32
        (2.0**-10, 64.0, "float16", Outcome.CONFORMS),
        (np.nan, 64.0, "float16", Outcome.VIOLATES),
    ],
)
def test_a_change_is_held_to_the_rounding_that_a_row_allows(
    change: float, units: float, dtype: str, outcome: Outcome
) -> None:
    assert found(change, units, dtype).outcome is outcome


def test_a_bound_is_wide_against_the_output_and_not_its_smallest_entry() -> None:
    """As much as the smallest entry itself, and a two-thousandth of the largest."""
    assert found(2.0**-10, 64.0, "float16").loose == 0.0
    assert found(0.2, 64.0, "bfloat16").loose == pytest.approx(0.1, rel=0.01)
