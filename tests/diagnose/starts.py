"""Mistakes of how values come to be, beside their twins: generators that start anew, zeros, number formats."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.models import Pair, changed, dense, he


def generated(again: bool) -> nn.Module:
    """Weights drawn from a generator of their own, seeded once or for every layer."""
    generator = torch.Generator().manual_seed(int(torch.randint(0, 2**31, ())))
    seed = generator.initial_seed()

    def draw(model: nn.Sequential) -> None:
        for layer in model:
            if isinstance(layer, nn.Linear):
                if again:
                    generator.manual_seed(seed)
                layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * layer.in_features**-0.5

    return changed(nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10)), draw)


def zeros(every: bool) -> nn.Module:
    """Weights and biases of zero in all layers, or in the head alone."""

    def clear(model: nn.Sequential) -> None:
        for layer in list(model) if every else [model[-1]]:
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    return changed(dense(2, he), clear)


class Recurrent(nn.Module):
    """A GRU whose matrices are set by `fill`."""

    def __init__(self, fill: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.rnn, self.head = nn.GRU(32, 16, batch_first=True), nn.Linear(16, 10)
        for name, parameter in self.rnn.named_parameters():
            if "weight" in name:
                fill(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class Half(nn.Module):
    """A scale of 16 bits in front of a head of 32."""

    def __init__(self, dtype: torch.dtype, mean: float, std: float) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(32, 64), nn.Linear(64, 10)
        self.scale = nn.Parameter(torch.normal(mean, std, (64,)).to(dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(F.relu(self.first(x)) * self.scale.float())


LATER = (
    Pair("generator that starts anew", lambda: generated(True), lambda: generated(False), "init.copied", "2.weight"),
    Pair("zeros that hold each other", lambda: zeros(True), lambda: zeros(False), "gradient.zero", "weight"),
    Pair(
        "recurrent weights of one value", lambda: Recurrent(nn.init.ones_), lambda: Recurrent(nn.init.orthogonal_),
        "init.symmetric", "rnn", "sequence",
    ),
    Pair(
        "noise around 1 in bfloat16", lambda: Half(torch.bfloat16, 1.0, 0.003), lambda: Half(torch.bfloat16, 1.0, 0.05),
        "number.lost", "scale",
    ),
    Pair(
        "below the numbers of float16", lambda: Half(torch.float16, 0.0, 4e-8), lambda: Half(torch.float16, 0.0, 0.02),
        "number.lost", "scale",
    ),
    Pair(
        "drawn and rounded to nothing", lambda: Half(torch.float16, 0.0, 1e-9), lambda: Half(torch.float16, 0.0, 0.02),
        "number.lost", "scale",
    ),
)  # fmt: skip


class Stage(nn.Module):
    """Fixup's block: the second convolution of every block starts at zero, and stages have shapes of their own."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        nn.init.zeros_(self.conv2.weight)
        self.short = nn.Conv2d(before, width, 1, bias=False) if before != width else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.short(x) + self.conv2(F.relu(self.conv1(x))))


def fixup() -> nn.Module:
    blocks = (Stage(8, 8), Stage(8, 16), Stage(16, 16))
    return nn.Sequential(nn.Conv2d(3, 8, 3), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


class Towers(nn.Module):
    """A tower, and a copy of it that is drawn anew, beside linear maps that keep their default."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one = nn.Linear(32, 32), nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32))
        self.two = copy.deepcopy(self.one)
        for layer in (self.two[0], self.two[2]):
            layer.reset_parameters()
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.stem(x))
        return self.head(torch.cat([self.one(h), self.two(h)], dim=-1))


def head_of_zeros() -> nn.Module:
    """muP's head: no weight, and torch's bias."""
    return changed(dense(2, he), lambda m: nn.init.zeros_(m[-1].weight))


QUIET: dict[str, tuple[Callable[[], nn.Module], str, Any]] = {
    "fixup in stages": (fixup, "image", None),
    "towers copied and drawn anew": (Towers, "vector", None),
    "head of zeros with a bias": (head_of_zeros, "vector", None),
    "std of a head at 1/width": (
        lambda: changed(dense(2, he), lambda m: m[-1].weight.normal_(std=math.sqrt(1 / 64))), "vector", None,
    ),
}  # fmt: skip
