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


@pytest.mark.benchmark(group="own")
def test_check_layer(benchmark: Any) -> None:
    laws = {
        "down.*": "Uniform(1/16)", "norms.*.weight": "Constant(1)", "norms.*.bias": "Constant(0)", "*": "Uniform(1/8)",
    }  # fmt: skip
    found = benchmark.pedantic(check_layer, (Block, laws), rounds=2)
    assert found.ok, str(found)


@pytest.mark.benchmark(group="own")
def test_identify_a_module_of_288_parameters(benchmark: Any) -> None:
    row = layer("m.model", _model, {"*": "unknown"})
    found = benchmark.pedantic(lambda: list(of_module(row, SALT)), rounds=2)
    assert len(found) == 288
    assert {one.reading.text for one in found} == {"Uniform(0.125)", "Uniform(0.0625)", "Constant(1)", "Constant(0)"}
