"""Mean field: panels against closed forms, fixed points that are fixed, decay laws against their recursions."""

import math

import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.activations.named import functions, under_normal
from varlaw.theory.activations.pairs import single
from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.laws.correlations import abs_map, erf_product, gelu_product
from varlaw.theory.laws.kernels import k0, k1, one_minus_k1

from . import formulas
from .routes import takes

CORRELATIONS = (-1.0, -0.999999, -0.5, 0.0, 0.3, 0.9, 1 - 1e-6, 1 - 1e-12, 1.0)


@pytest.mark.parametrize("q", [1e-6, 0.01, 1.0, 100.0, 1e6, 1e12])
@takes("meanfield.correlation_map", "meanfield.correlation_slope")
def test_correlation_maps_against_closed_forms(q: float) -> None:
    def value(name: str, activation: str, c: float, **more: float) -> float:
        result: float = LAWS[f"meanfield.{name}"].value(activation=activation, c=c, q=q, weight_variance=2.0, **more)
        return result

    for c in CORRELATIONS:
        bias = {"bias_variance": 0.0}
        assert value("correlation_map", "relu", c, **bias) == pytest.approx(float(k1(c)), rel=1e-12, abs=1e-15)
        assert value("correlation_slope", "relu", c) == pytest.approx(float(k0(c)), rel=1e-12, abs=1e-12)
        assert value("correlation_map", "abs", c, **bias) == pytest.approx(float(abs_map(c)), rel=1e-12)
        for name, product in (("gelu", gelu_product), ("erf", erf_product)):
            want = float(product(q, q, c) / under_normal("second", name, q))
            assert value("correlation_map", name, c, **bias) == pytest.approx(want, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_functions_are_those_of_the_text(name: str) -> None:
    row = functions(name)
    for x in (-40.0, -3.7, -0.51, -0.02, 1e-9, 0.3, 1.3, 5.9, 7.0, 40.0):
        for which, function in (("phi", row.phi), ("slope", row.slope)):
            want = float(getattr(formulas, which)(name, x))
            got = float(function(np.array([x]))[0])
            # slopes of saturating functions come from 1 - tanh: absolute, in units of the largest slope
            assert got == pytest.approx(want, rel=1e-14, abs=4e-16), (x, which)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("sin", "cos", "hardshrink", "softshrink")])
def test_signed_panels_agree_with_moments(name: str) -> None:
    """The engine of pairs against the folded one of the moments."""
    row = functions(name)
    for q in (0.01, 1.0, 1e4):
        got = single(lambda x: row.phi(x) ** 2, q, row.kinks)
        assert got == pytest.approx(float(under_normal("second", name, q)), rel=1e-13)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
@takes("meanfield.variance_slope")
def test_variance_slope_by_differences(name: str) -> None:
    law = LAWS["meanfield.variance_slope"]
    for q in (0.04, 1.0, 1e3):
        step = 1e-4
        high, low = (float(under_normal("second", name, q * (1 + s))) for s in (step, -step))
        difference = (high - low) / (2 * q * step)
        got = law.value(activation=name, q=q, weight_variance=1.0)
        # Central difference: truncation step^2 times the third derivative, rounding 1e-16/step of the moment.
        assert got == pytest.approx(difference, rel=1e-6, abs=1e-11 * high / q)


@pytest.mark.parametrize(
    ("name", "weight", "bias"),
    [("tanh", 25 / 9, 0.0), ("selu", 9 / 16, 0.0), ("selu", 1.0, 0.0), ("relu", 1.0, 0.5), ("sigmoid", 1.0, 0.0)],
)
@takes("meanfield.fixed_point")
def test_fixed_points_are_fixed(name: str, weight: float, bias: float) -> None:
    q = LAWS["meanfield.fixed_point"].value(activation=name, weight_variance=weight, bias_variance=bias)
    after = LAWS["meanfield.variance_map"].value(activation=name, q=q, weight_variance=weight, bias_variance=bias)
    assert after == pytest.approx(q, rel=1e-14)


@takes("gain.torch_fixed_point", "gain.torch_chi")
def test_fixed_points_of_frameworks() -> None:
    """The exact consequences of torch's gains."""
    settled, chi = LAWS["gain.torch_fixed_point"], LAWS["gain.torch_chi"]
    assert settled.value(nonlinearity="tanh") == pytest.approx(1.17848, rel=1e-6)
    assert settled.value(nonlinearity="selu") == pytest.approx(0.023034, rel=1e-4)
    assert chi.value(nonlinearity="tanh") == pytest.approx(1.2098, rel=1e-4)
    assert chi.value(nonlinearity="selu") == pytest.approx(1.0037, rel=1e-4)
    assert chi.value(nonlinearity="sigmoid") == pytest.approx(0.0557, rel=1e-3)


def test_signals_that_die_or_explode() -> None:
    law = LAWS["meanfield.fixed_point"]
    assert law.value(activation="relu", weight_variance=1.5, bias_variance=0.0) == 0.0
    assert law.value(activation="relu", weight_variance=2.5, bias_variance=0.0) == math.inf
    assert law.value(activation="relu", weight_variance=2.0, bias_variance=0.0) == 1.0  # every q is fixed


@pytest.mark.parametrize("name", ["tanh", "erf", "silu", "gelu", "elu"])
@takes("meanfield.critical_weight_variance", "meanfield.critical_bias_variance")
def test_the_edge_of_chaos(name: str) -> None:
    q = 0.7
    weight = LAWS["meanfield.critical_weight_variance"].value(activation=name, q=q)
    bias = LAWS["meanfield.critical_bias_variance"].value(activation=name, q=q)
    assert LAWS["meanfield.chi"].value(activation=name, q=q, weight_variance=weight) == pytest.approx(1.0, rel=1e-14)
    mapped = weight * LAWS["activation.second_moment"].value(activation=name, q=q) + bias
    assert mapped == pytest.approx(q, rel=1e-14)


def test_relu_has_one_critical_point() -> None:
    for q in (0.1, 1.0, 50.0):
        assert LAWS["meanfield.critical_weight_variance"].value(activation="relu", q=q) == 2.0
        assert LAWS["meanfield.critical_bias_variance"].value(activation="relu", q=q) == 0.0


@takes("meanfield.depth_scale", "meanfield.gradient_depth_scale")
def test_depth_scales() -> None:
    law = LAWS["meanfield.depth_scale"]
    assert law.value(factor=1.0) == math.inf
    assert law.value(factor=0.0) == 0.0
    assert 0.9 ** law.value(factor=0.9) == pytest.approx(math.exp(-1), rel=1e-15)
    growth = LAWS["meanfield.gradient_depth_scale"]
    assert 1.3 ** growth.value(chi=1.3) == pytest.approx(math.e, rel=1e-15)
    assert growth.value(chi=0.9) < 0


@takes("meanfield.relu_correlation_decay")
def test_relu_correlation_decays_as_the_square_of_depth() -> None:
    law, gap = LAWS["meanfield.relu_correlation_decay"], 1.0
    seen = {}
    for depth in range(1, 20001):
        gap = float(one_minus_k1(gap))
        seen[depth] = gap
    errors = [abs(seen[n] / law.value(depth=n) - 1) for n in (100, 1000, 20000)]
    assert errors[0] < 0.25
    assert errors[1] < 0.04
    assert errors[2] < 0.003  # O(log(depth)/depth)
    assert seen[1000] * 1000**2 == pytest.approx(43.1, abs=0.05)


@takes("meanfield.tanh_variance_decay")
def test_tanh_variance_decays_as_one_over_depth() -> None:
    law, q = LAWS["meanfield.tanh_variance_decay"], 1.0
    second = LAWS["activation.second_moment"]
    for _ in range(1000):
        q = second.value(activation="tanh", q=q)
    assert q == pytest.approx(law.value(depth=1000), rel=0.02)


@takes("meanfield.relu_kernel_expansion")
def test_relu_expansion_has_the_stated_order() -> None:
    law = LAWS["meanfield.relu_kernel_expansion"]
    errors = [abs(float(one_minus_k1(d)) - law.value(one_minus_c=d)) / d**2.5 for d in (1e-1, 1e-2, 1e-3)]
    assert max(errors) < 0.05


@takes("meanfield.leaky_correlation_map")
def test_leaky_map_with_bias_is_the_general_one() -> None:
    params = {"c": 0.4, "q": 1.7, "weight_variance": 1.2, "bias_variance": 0.3}
    got = LAWS["meanfield.leaky_correlation_map"].value(slope=0.2, **params)
    want = LAWS["meanfield.correlation_map"].value(activation="leaky_relu:0.2", **params)
    assert got == pytest.approx(want, rel=1e-13)


def test_shrinking_far_tail_is_refused() -> None:
    law = LAWS["meanfield.correlation_slope"]
    with pytest.raises(ValueError, match="the law has no value there"):
        law.value(activation="softshrink", c=0.5, q=1e-3, weight_variance=1.0)
