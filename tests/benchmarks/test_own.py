"""What a whole layer costs to check, and a whole module of hundreds of parameters to identify."""

from typing import Any

import pytest

from varlaw import check_layer
from varlaw.evidence.streams import SALT
from varlaw.identify.wholes import of_module
from varlaw.subjects.builders.layers import layer

torch = pytest.importorskip("torch")


class Block(torch.nn.Module):  # type: ignore[misc,name-defined]
    """Twelve parameters of a pre-norm block."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        nn = torch.nn
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])


def _model(depth: int = 18) -> Any:
    return torch.nn.ModuleList(Block() for _ in range(depth))


LAWS = {"down.*": "Uniform(1/16)", "norms.*.weight": "Constant(1)", "norms.*.bias": "Constant(0)", "*": "Uniform(1/8)"}


def _built(ask: Any, build: Any) -> int:
    """How many instances are built to answer, which is what the answer is held against."""
    count = [0]

    def counting() -> Any:
        count[0] += 1
        return build()

    ask(counting)
    return count[0]


def _identified(build: Any) -> list[Any]:
    return list(of_module(layer("m.model", build, {"*": "unknown"}), SALT))


@pytest.mark.benchmark(group="check-layer")
def test_check_layer(benchmark: Any) -> None:
    found = benchmark.pedantic(check_layer, (Block, LAWS), rounds=2)
    assert found.ok, str(found)


@pytest.mark.benchmark(group="check-layer")
def test_build_the_layers_that_are_checked(benchmark: Any) -> None:
    """Reference: the instances alone, as often as the check builds one."""
    count = _built(lambda build: check_layer(build, LAWS), Block)
    benchmark.pedantic(lambda: [Block() for _ in range(count)], rounds=2)


@pytest.mark.benchmark(group="identify-module")
def test_identify_a_module_of_288_parameters(benchmark: Any) -> None:
    found = benchmark.pedantic(_identified, (_model,), rounds=2)
    assert len(found) == 288
    assert {one.reading.text for one in found} == {"Uniform(0.125)", "Uniform(0.0625)", "Constant(1)", "Constant(0)"}


@pytest.mark.benchmark(group="identify-module")
def test_build_the_modules_that_are_identified(benchmark: Any) -> None:
    """Reference: the instances alone, as often as identification builds one."""
    count = _built(_identified, _model)
    benchmark.pedantic(lambda: [_model() for _ in range(count)], rounds=2)
