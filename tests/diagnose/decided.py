"""Parts that an argument decides upon, parts that get nothing for ever, and shares near a half, beside their twins."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tests.diagnose.mistakes import Of
from tests.diagnose.models import Pair


class Block(nn.Module):
    """Adds what it makes of marks, where it is given some, and of places that are told to stand out."""

    def __init__(self) -> None:
        super().__init__()
        self.map, self.marked, self.apart = (nn.Linear(32, 32) for _ in range(3))
        self.bias = nn.Parameter(torch.randn(32))

    def forward(self, x: torch.Tensor, table: Any, standing: Any = None) -> torch.Tensor:
        return torch.relu(self._joined(x, table) + (self._out(x, standing) if standing else 0))

    def _joined(self, x: torch.Tensor, table: Any) -> torch.Tensor:
        if table is None:
            return self.map(x)
        return self.map(x) + self.marked(x + self.bias) * table

    def _out(self, x: torch.Tensor, standing: Any) -> torch.Tensor:
        return self.apart(x) * standing


class Marking(nn.Module):
    """XLNet's segments and Longformer's global places: their blocks get what is made of them, under other names."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks, self.head = nn.ModuleList(Block() for _ in range(2)), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor, segments: Any = None, chosen: Any = None) -> torch.Tensor:
        same = segments[:, None].float() if segments is not None else None
        where = torch.zeros(1) if chosen is None else chosen
        standing = (where > 0).any().item()
        for block in self.blocks:
            x = x + block(x, same, standing=standing)
        return self.head(x)


class Forgetting(Marking):
    """Its blocks are given neither."""

    def forward(self, x: torch.Tensor, segments: Any = None, chosen: Any = None) -> torch.Tensor:
        for block in self.blocks:
            x = x + block(x, None)
        return self.head(x)


class Asking(nn.Module):
    """DETR's first layer: what queries attend to each other for is all zero, until a bias moves."""

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        self.places, self.fixed = nn.Parameter(torch.randn(8, 32)), fixed
        self.query, self.key, self.value, self.out = (nn.Linear(32, 32) for _ in range(4))
        self.memory, self.head = nn.Linear(32, 32), nn.Linear(32, 10)
        for layer in (self.value, self.out):
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        given = torch.zeros_like(self.places) if self.fixed else self.places
        scores = self.query(self.places) @ self.key(self.places).T * 32**-0.5
        asked = self.out(scores.softmax(-1) @ self.value(given)).mean(0)
        return self.head(torch.tanh(asked + self.memory(x)))


def sigmoids(share: float) -> Callable[[], nn.Module]:
    """Units of whose entries about a share lies where a sigmoid is flat."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        return m.head(torch.sigmoid(torch.where(torch.rand(len(x), 16) < share, 8.0, 0.1 * m.map(x))))

    return lambda: Of(forward, map=nn.Linear(32, 16), head=nn.Linear(16, 10))


DECIDED = (
    Pair("marks that are not handed on", Forgetting, Marking, "gradient.none", "blocks.0.marked"),
    Pair("nothing to attend for", lambda: Asking(True), lambda: Asking(False), "gradient.zero", "value.weight"),
    Pair("a share of 0.6", sigmoids(0.6), sigmoids(0.5), "unit.saturated", ""),
)
