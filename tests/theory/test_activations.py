"""Moments of activations: each against 40-digit panels of its own text, its closed form, Stein and Price."""

import math

import mpmath as mp
import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.activations.named import moments, resolve, under_normal
from varlaw.theory.activations.rows.rectifiers import SELU_ALPHA, SELU_LAMBDA
from varlaw.theory.activations.table import ACTIVATIONS

from . import formulas
from .routes import takes

QUANTITIES = {
    "mean": "mean",
    "second_moment": "second",
    "fourth_moment": "fourth",
    "variance": "variance",
    "derivative_mean": "slope_mean",
    "derivative_second_moment": "slope_second",
}
WITH_PARAMETER = ("leaky_relu:-0.5", "elu:3", "celu:0.2", "softplus:3", "silu:10", "hardtanh:3.3", "softshrink:2.7")
OSCILLATING = ("sin", "cos")  # their panels need q <= 100; closed forms cover the rest
VARIANCES = (1e-12, 1e-8, 2e-4, 0.04, 1.0, 9.0, 1e4, 1e12)
ULP = 2.0**-53


def relative(got: float, want: mp.mpf) -> float:
    # 40 digits of two canceling halves leave zeros below 1e-38; results below 1e-300 have lost digits to underflow.
    if abs(want) < 1e-300 or abs(want) < mp.mpf(10) ** -37:
        return 0.0 if abs(got) < 1e-37 else math.inf
    return float(abs((mp.mpf(got) - want) / want))


@pytest.mark.parametrize("name", [*ACTIVATIONS, *WITH_PARAMETER])
@takes(
    "activation.mean",
    "activation.second_moment",
    "activation.fourth_moment",
    "activation.variance",
    "activation.derivative_mean",
    "activation.derivative_second_moment",
)
def test_moments_against_panels_at_40_digits(name: str) -> None:
    for q in VARIANCES:
        if name in OSCILLATING and q > 100:
            continue
        want = formulas.activation_moments(name, q)
        for quantity in QUANTITIES:
            got = LAWS[f"activation.{quantity}"].value(activation=name, q=q)
            if name == "selu" and quantity == "mean" and q == 1:
                assert abs(got) < 8 * ULP  # zero by the choice of its constants
                continue
            # A sum of n positive terms, each with a few roundings: 40 ulp leaves room for exp and gammainc.
            assert relative(got, want[quantity]) < 40 * ULP, (name, quantity, q)


@pytest.mark.parametrize("name", [n for n, row in ACTIVATIONS.items() if row.closed])
def test_closed_forms_as_printed(name: str) -> None:
    stem, parameter = resolve(name)
    for q in (1e-6, 0.3, 1.0, 25.0, 1e6):
        for quantity, formula in ACTIVATIONS[stem].closed.items():
            want = formulas.evaluate(formula, q=q, **parameter)
            got = LAWS[f"activation.{quantity}"].value(activation=name, q=q)
            if name == "selu" and quantity == "mean" and q == 1:
                continue
            assert relative(got, want) < 200 * ULP, (name, quantity, q)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "hardshrink"])
def test_price_ties_the_mean_to_its_change_with_q(name: str) -> None:
    """d/dq E[phi^2] = E[z phi phi']/sqrt q, against a central difference of the moments."""
    q, step = 2.0, 1e-4
    second = moments(name).second
    grown = (float(second(np.float64(q * (1 + step)))) - float(second(np.float64(q * (1 - step))))) / (2 * q * step)
    with mp.workdps(30):
        cuts = formulas.activation_cuts(name, q)
        root = mp.sqrt(q)
        want = formulas.expect(lambda z: z * formulas.phi(name, root * z) * formulas.slope(name, root * z) / root, cuts)
    # Central difference: error step^2 q^2 f'''/6 and rounding 1e-16/step; both below 1e-7 of E[phi^2].
    assert abs(grown - float(want)) < 1e-7 * (1 + abs(float(want)))


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "hardshrink"])
def test_stein(name: str) -> None:
    """E[x phi] = q E[phi'] for every continuous phi."""
    for q in (0.01, 1.0, 50.0):
        with mp.workdps(30):
            root = mp.sqrt(mp.mpf(q))
            want = formulas.expect(
                lambda z, root=root: z * formulas.phi(name, root * z), formulas.activation_cuts(name, q)
            )
        got = math.sqrt(q) * LAWS["activation.derivative_mean"].value(activation=name, q=q)
        assert abs(got - float(want)) < 1e-13 * (1 + abs(got)), (name, q)


@pytest.mark.parametrize("name", ["silu", "gelu", "gelu_tanh", "quick_gelu", "hardswish", "softplus", "logsigmoid"])
def test_half_slope(name: str) -> None:
    assert LAWS["activation.derivative_mean"].value(activation=name, q=3.0) == pytest.approx(0.5, rel=2 * ULP)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("hardshrink", "softshrink")])
def test_limits_at_zero_are_reached_from_above(name: str) -> None:
    for quantity in (*QUANTITIES, "forward_gain", "backward_gain", "chi"):
        law = LAWS[f"activation.{quantity}"]
        at, near = law.value(activation=name, q=0.0), law.value(activation=name, q=1e-24)
        if math.isinf(at):
            assert near > 1e10
        else:
            assert abs(at - near) < 1e-10, (name, quantity)


def test_shrinking_activations_at_zero() -> None:
    gain, chi = LAWS["activation.forward_gain"], LAWS["activation.chi"]
    assert gain.value(activation="hardshrink", q=0.0) == math.inf
    assert chi.value(activation="hardshrink", q=0.0) == 0.0
    assert chi.value(activation="softshrink", q=0.0) == math.inf
    # chi survives where its parts underflow: q/(threshold^2) and threshold^2/(2 q) to first order.
    assert chi.value(activation="hardshrink", q=1e-10) == pytest.approx(4e-10, rel=1e-8)
    assert chi.value(activation="softshrink", q=1e-10) == pytest.approx(1.25e9, rel=1e-8)


def test_homogeneous_activations_have_one_gain() -> None:
    for name in ("relu", "leaky_relu:0.2", "abs", "identity", "prelu:-3"):
        q = np.geomspace(1e-12, 1e12, 7)
        forward = LAWS["activation.forward_gain"].value(activation=name, q=q)
        backward = LAWS["activation.backward_gain"].value(activation=name, q=q)
        np.testing.assert_allclose(forward, backward, rtol=4 * ULP)
        np.testing.assert_array_equal(LAWS["activation.chi"].value(activation=name, q=q), 1.0)


def test_large_slope_does_not_overflow_the_gain() -> None:
    got = LAWS["activation.backward_gain"].value(activation="leaky_relu:1e8", q=1.0)
    assert got == pytest.approx(math.sqrt(2) / 1e8, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "chi"),
    [("tanh", 1.1778), ("selu", 1.0716), ("gelu", 1.0720), ("silu", 1.0666), ("elu", 1.0359), ("sigmoid", 0.1528)],
)
def test_published_gradient_factors(name: str, chi: float) -> None:
    assert round(LAWS["activation.chi"].value(activation=name, q=1.0), 4) == chi


def test_selu_constants_are_the_floats_nearest_to_their_equations() -> None:
    alpha, scale = formulas.selu_constants()
    assert float(alpha) == SELU_ALPHA
    assert float(scale) == SELU_LAMBDA


def test_arrays_of_every_magnitude_at_once() -> None:
    q = np.geomspace(1e-12, 1e12, 25)
    for name in ("tanh", "gelu", "relu6"):
        law = LAWS["activation.second_moment"]
        together = law.value(activation=name, q=q)
        np.testing.assert_allclose(together, [law.value(activation=name, q=v) for v in q], rtol=8 * ULP)


@takes("maxout.mean", "maxout.second_moment")
def test_maxout_closed_forms() -> None:
    mean, second = LAWS["maxout.mean"], LAWS["maxout.second_moment"]
    pi = math.pi
    want = [0.0, 1 / math.sqrt(pi), 1.5 / math.sqrt(pi), 6 * math.atan(math.sqrt(2)) / pi**1.5]
    np.testing.assert_allclose(mean.value(pieces=np.array([1, 2, 3, 4])), want, rtol=1e-14)
    want = [1.0, 1.0, 1 + math.sqrt(3) / (2 * pi), 1 + math.sqrt(3) / pi]
    np.testing.assert_allclose(second.value(pieces=np.array([1, 2, 3, 4])), want, rtol=1e-14)


@pytest.mark.parametrize("bad", ["swosh", "relu:1", "elu:", "elu:x", "leaky_relu:nan", "celu:-1", "softplus:0", "", 3])
def test_unknown_names_are_refused_in_one_line(bad: object) -> None:
    with pytest.raises(ValueError, match=r"^activation=.*but should be one of .*\[activation.mean\]$"):
        LAWS["activation.mean"].value(activation=bad, q=1.0)


def test_aliases() -> None:
    assert resolve("swish") == resolve("silu")
    assert resolve("siren:30") == ("sin", {"frequency": 30.0})


def test_poincare_bounds_the_explosion_from_below() -> None:
    for name in ("relu", "tanh", "gelu", "silu", "elu", "softplus", "sigmoid"):
        rate = float(under_normal("slope_second", name, 1.0) / under_normal("variance", name, 1.0))
        assert rate >= 1
