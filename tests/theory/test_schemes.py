"""Schemes: the law drawn from has the variance of the law in the catalogue, whatever its shape."""

import math

import pytest

from varlaw.theory import LAWS
from varlaw.theory.laws.schemes import SCHEMES, torch_default, variance_scaling

ULPS = 4 * 2.0**-53


@pytest.mark.parametrize("form", ["normal", "uniform", "truncated"])
@pytest.mark.parametrize("fan_in", [1, 9, 288, 65536])
def test_variance_is_that_of_the_law(form: str, fan_in: int) -> None:
    he = LAWS[f"he_{form}.variance"].value(fan_in=fan_in, gain=1.3)
    assert SCHEMES[f"he_{form}"](fan_in, 1.3).variance == pytest.approx(he, rel=ULPS)
    glorot = LAWS[f"glorot_{form}.variance"].value(fan_in=fan_in, fan_out=77, gain=0.7)
    assert SCHEMES[f"glorot_{form}"](fan_in, 77, 0.7).variance == pytest.approx(glorot, rel=ULPS)
    lecun = LAWS[f"lecun_{form}.variance"].value(fan_in=fan_in)
    assert SCHEMES[f"lecun_{form}"](fan_in).variance == pytest.approx(lecun, rel=ULPS)


def test_variance_scaling_is_their_common_form() -> None:
    for distribution in ("normal", "uniform", "truncated_normal"):
        law = variance_scaling(2.0, 50, distribution)
        assert law.variance == pytest.approx(LAWS["variance_scaling.variance"].value(scale=2.0, fan=50), rel=ULPS)


def test_torch_default_is_kaiming_uniform_with_slope_root_five() -> None:
    gain = math.sqrt(2 / (1 + 5))
    assert torch_default(64).bound == pytest.approx(SCHEMES["he_uniform"](64, gain).bound, rel=ULPS)
    assert torch_default(64).variance == pytest.approx(LAWS["torch_default.variance"].value(fan_in=64), rel=ULPS)


def test_residual_projections_shrink_with_two_branches_per_layer() -> None:
    law = SCHEMES["residual_scaled"](0.02, 12)
    assert law.variance == pytest.approx(LAWS["residual_scaled.variance"].value(std=0.02, layers=12), rel=ULPS)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: SCHEMES["he_normal"](0), "fan"),
        (lambda: SCHEMES["he_normal"](math.nan), "fan"),
        (lambda: SCHEMES["he_uniform"](3, 0.0), "gain"),
        (lambda: SCHEMES["glorot_normal"](-1, 3), "fan_in"),
        (lambda: SCHEMES["glorot_uniform"](1, 0), "fan_out"),
        (lambda: variance_scaling(-1.0, 3), "scale"),
        (lambda: variance_scaling(1.0, 3, "cauchy"), "distribution"),
        (lambda: SCHEMES["residual_scaled"](0.02, 0), "layers"),
    ],
)
def test_bad_input_is_named_in_one_line(call: object, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}=.*but should be .*\[\w+\]$"):
        call()  # type: ignore[operator]
