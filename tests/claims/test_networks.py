"""A network's signals against the law of its weights: the claims' teeth on real torch runs, and the public check."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import varlaw
from varlaw.claims.claim import Finding, Trial
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import LayerSignals, Network
from varlaw.theory.laws.schemes import he_normal
from varlaw.theory.variates import Normal

torch = pytest.importorskip("torch")

CASE = {"in_features": 64, "hidden_size": 48, "depth": 8}
HE = Normal(math.sqrt(2 / 64))


def subject(fill: Callable[[Any], Any]) -> Network:
    """torch's ReLU network, claiming He's law, with weights from `fill`."""
    from varlaw.subjects.torch.framework import TORCH
    from varlaw.subjects.torch.networks import network

    return network("torch.test", TORCH, "he_normal(fan_in)", fill, "ReLU")


def found(network: Network, name: str, dtype: str = "float32", policy: str = "pr") -> Finding:
    (claim,) = (c for c in claims_of(network) if c.name == name)
    return claim.judge(Trial(CASE, dtype, "cpu", POLICIES[policy], Key("network", name, dtype)))


def _he(mode: str = "fan_in", factor: float = 1.0) -> Callable[[Any], Any]:
    return lambda w: torch.nn.init.kaiming_normal_(w, mode=mode, nonlinearity="relu").mul_(factor)


MUTANTS: dict[str, Callable[[Any], Any]] = {
    "the fan of the other side": _he("fan_out"),
    "no gain": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear"),
    "ten percent": _he(factor=1.1),
    "Linear's default": lambda w: None,
}


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("mutant", MUTANTS)
def test_wrong_weights_violate(mutant: str, direction: str) -> None:
    assert found(subject(MUTANTS[mutant]), f"network.{direction}").outcome == "VIOLATES"


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_right_weights_conform(direction: str, dtype: str) -> None:
    assert found(subject(_he()), f"network.{direction}", dtype).outcome == "CONFORMS"


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_one_wrong_map_of_eight_is_named(direction: str) -> None:
    count = iter(range(10**9))

    def fill(w: Any) -> None:
        _he(factor=1.5 if next(count) % 8 == 4 else 1.0)(w)

    finding = found(subject(fill), f"network.{direction}")
    assert finding.outcome == "VIOLATES"
    assert "map 5 of 8" in finding.detail
    assert finding.likely is None  # a fan of half the size does not explain one map of eight


def test_a_map_that_scales_its_gradient_violates_backwards_only() -> None:
    honest = subject(_he())

    def draws(*args: Any) -> Iterator[list[LayerSignals]]:
        for layers in honest.draws(*args):
            yield [p._replace(input_gradient=1.1 * p.input_gradient) for p in layers]

    scaled = dataclasses.replace(honest, draws=draws)
    assert found(scaled, "network.backward").outcome == "VIOLATES"
    assert found(scaled, "network.forward").outcome == "CONFORMS"


# -- the public check --------------------------------------------------------------------------------------------------


def relu(seed: int, std: float = HE.std) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    h, passed = rng.standard_normal(64), []
    for _ in range(6):
        y = rng.normal(0, std, (64, 64)) @ h
        passed.append((h, y))
        h = np.maximum(y, 0)
    return passed


def test_check_network_decides() -> None:
    verdict = varlaw.check_network(relu, HE)
    assert (verdict.state, verdict.case) == ("conforms", {"direction": "forward", "maps": 6})
    by_fans = varlaw.check_network(relu, lambda fan_in, fan_out: he_normal(fan_in), delta=0.05)
    assert by_fans.state == "conforms"
    off = varlaw.check_network(lambda seed: relu(seed, 1.02 * HE.std), HE, name="off")
    assert off.state == "VIOLATES"
    assert off.ratio == pytest.approx(1.02, rel=0.01)
    assert "forward through map" in off.detail


def _with(layers: Any) -> Callable[[int], Any]:
    return lambda seed: layers


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        (relu, {"direction": "sideways"}, "direction='sideways', but should be 'forward' or 'backward'"),
        (relu, {"dtype": "float8"}, "dtype='float8', but should be one of"),
        (relu, {"direction": "backward"}, "returns 2 arrays for a map, but should return 4 vectors"),
        (_with([(np.ones(3),)]), {}, "returns 1 arrays for a map, but should return 2 vectors"),
        (_with([np.ones(3)]), {}, "returns ndarray for a map, but should return 2 vectors"),
        (_with([(np.ones((2, 3)), np.ones(2))]), {}, "returns an array of shape \\(2, 3\\)"),
        (_with([]), {}, "returns no maps"),
        (_with(None), {}, "returns NoneType, but should return a sequence of maps"),
        (_with([(np.ones(3), np.ones(2))]), {}, "ignores its seed"),
        (_with([(np.ones(3), np.full(2, np.nan))]), {}, "not finite"),
    ],
)
def test_what_is_wrong_is_named(run: Callable[[int], Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        varlaw.check_network(run, HE, name="mine", **options)
