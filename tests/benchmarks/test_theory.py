"""What laws cost on 10^6 variances beside the cheapest scipy.special call they must make, and a deep recursion.

Compare within a group. Goal: three times the call in the group's name, or, for moments that need it twice (F(s) and
F(2s) in ELU's second moment), three times both. Moments of clipped lines need the incomplete gamma function: written
with erfc and exp, q P(3/2, 1/2q) loses all its digits where q is large.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.networks.propagation import predict

N = 10**6
CLOSED = {
    "erfcx": ("elu", "selu", "celu:0.5"),
    "gammainc": ("hardtanh", "relu6", "hardshrink", "hardsigmoid"),
    "erf": ("gelu", "erf"),  # these need no special function, only a root and an arctangent
    "expm1": ("sin", "cos"),
}
QUANTITIES = ("mean", "second_moment", "variance", "derivative_second_moment")


@pytest.fixture(scope="module")
def variances() -> Any:
    return 10 ** np.random.default_rng(0).uniform(-6, 6, N)


def special(name: str) -> Callable[[Any], Any]:
    import scipy.special

    found: Callable[[Any], Any] = getattr(scipy.special, name)
    return found


@pytest.mark.parametrize("call", CLOSED)
def test_special_function(benchmark: Any, variances: Any, call: str) -> None:
    benchmark.group = f"theory-{call}"
    if call == "gammainc":
        benchmark(special(call), 1.5, 0.5 / variances)
    else:
        benchmark(special(call), -np.sqrt(variances) if call == "expm1" else np.sqrt(variances))


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize(("call", "activation"), [(call, name) for call, names in CLOSED.items() for name in names])
def test_closed_form(benchmark: Any, variances: Any, call: str, activation: str, quantity: str) -> None:
    benchmark.group = f"theory-{call}"
    found = benchmark(LAWS[f"activation.{quantity}"].value, activation=activation, q=variances)
    assert found.shape == (N,)


@pytest.mark.benchmark(group="theory-kernels")
def test_arctan2(benchmark: Any) -> None:
    c = np.linspace(-1, 1, N)
    benchmark(np.arctan2, c, c[::-1])


@pytest.mark.benchmark(group="theory-kernels")
@pytest.mark.parametrize("kernel", ["k0", "k1", "k2"])
def test_kernel(benchmark: Any, kernel: str) -> None:
    c = np.linspace(-1, 1, N)
    benchmark(LAWS[f"kernel.{kernel}"].value, c=c)


@pytest.mark.benchmark(group="theory-recursion")
@pytest.mark.parametrize("activation", ["relu", "gelu", "erf", "tanh"])
def test_a_thousand_layers(benchmark: Any, activation: str) -> None:
    law = LAWS["meanfield.variance_map"]

    def recursion() -> float:
        q = 1.0
        for _ in range(1000):
            q = law.value(activation=activation, q=q, weight_variance=1.5, bias_variance=0.05)
        return q

    assert np.isfinite(benchmark.pedantic(recursion, rounds=3))


@pytest.mark.benchmark(group="theory-recursion")
def test_a_thousand_layers_predicted(benchmark: Any) -> None:
    layer = [
        {"block": "dense", "fan_in": 512, "fan_out": 512, "scheme": "he_normal"},
        {"block": "activation", "name": "relu"},
    ]
    benchmark.pedantic(lambda: predict(layer * 1000), rounds=3)
