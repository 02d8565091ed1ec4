"""Models that are ill by their initial values or for want of a norm, each with a sound twin, and what cures it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.models import Block, changed, classify, dense, he, normal

_INIT, _NORM = "initialisation", "norm"
VALUES = torch.randn(64, 32, generator=torch.Generator().manual_seed(3))
IMAGES = torch.randn(16, 3, 12, 12, generator=torch.Generator().manual_seed(4))


@dataclass(frozen=True)
class Curable:
    """A faulty model, its twin, and the stage that should cure it."""

    name: str
    faulty: Callable[[], nn.Module]
    healthy: Callable[[], nn.Module]
    cure: str = _INIT
    batch: Any = VALUES
    loss: Callable[[Any, Any], torch.Tensor] = classify
    steps: int = 4
    rate: float = 1e-3


def xavier(w: torch.Tensor) -> Any:
    return nn.init.xavier_normal_(w)


def convolutions(scale: float, depth: int = 12) -> nn.Module:
    layers = [m for n in (3, *[16] * depth) for m in (nn.Conv2d(n, 16, 3, padding=1), nn.ReLU())]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

    def init(m: Any) -> None:
        for p in m.parameters():
            (nn.init.kaiming_normal_(p).mul_(scale) if p.ndim > 2 else p.mul_(0.1) if p.ndim < 2 else p)

    return changed(model, init)


def residual(norm: bool) -> nn.Module:
    last = [nn.LayerNorm(32)] if norm else []
    return nn.Sequential(*[Block(32, norm=norm) for _ in range(30)], *last, nn.Linear(32, 10))


class Attending(nn.Module):
    """Attention on a stream without norms, which has grown where the last ones read it."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.ModuleList(nn.Linear(32, n, bias=False) for n in (96, 32)) for _ in range(8))
        self.head = nn.Linear(32, 10)
        for inside, out in self.maps:
            nn.init.normal_(inside.weight, std=gain * 32**-0.5)
            nn.init.normal_(out.weight, std=gain * (32 * 8) ** -0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for inside, out in self.maps:
            x = x + out(F.scaled_dot_product_attention(*inside(x).unsqueeze(1).chunk(3, -1)).squeeze(1))
        return self.head(x[:, -1])


SEQUENCES = torch.randn(8, 10, 32, generator=torch.Generator().manual_seed(5))
CURABLE = {
    one.name: one
    for one in (
        Curable("std too small", lambda: dense(10, normal(0.02)), lambda: dense(10, he)),
        Curable("std too large", lambda: dense(6, normal(1.0)), lambda: dense(6, he)),
        Curable("torch's default, 20 deep", lambda: dense(20, lambda w: None), lambda: dense(20, he)),
        Curable("Xavier under ReLU, 40 deep", lambda: dense(40, xavier, width=256), lambda: dense(40, he, width=256)),
        Curable("gain of ReLU under tanh", lambda: dense(6, normal(1.0), nn.Tanh), lambda: dense(6, xavier, nn.Tanh)),
        Curable("all weights equal", lambda: dense(3, lambda w: nn.init.constant_(w, 0.1)), lambda: dense(3, he)),
        Curable("all weights zero", lambda: dense(3, lambda w: nn.init.zeros_(w)), lambda: dense(3, he)),
        Curable("residual without norm", lambda: residual(False), lambda: residual(True)),
        Curable("convolutions too small", lambda: convolutions(0.2), lambda: convolutions(1.0), batch=IMAGES),
        Curable("convolutions too large", lambda: convolutions(5.0), lambda: convolutions(1.0), batch=IMAGES),
        Curable("huge head", lambda: changed(dense(2, he), lambda m: m[4].weight.mul_(50)), lambda: dense(2, he)),
        Curable("attention on a large stream", lambda: Attending(4.0), lambda: Attending(0.5), batch=SEQUENCES),
        Curable("dead units", lambda: changed(dense(2, he), lambda m: m[0].bias.fill_(-20)), lambda: dense(2, he)),
        Curable("overflow", lambda: dense(3, normal(1e18)), lambda: dense(3, he)),
        Curable("deep sigmoid", lambda: dense(12, xavier, nn.Sigmoid), lambda: dense(12, xavier, nn.Tanh)),
        Curable("deeper sigmoid", lambda: dense(30, xavier, nn.Sigmoid), lambda: dense(12, xavier, nn.Tanh), _NORM),
        Curable(
            "deep softplus", lambda: dense(16, xavier, nn.Softplus), lambda: dense(16, xavier, nn.Tanh)
        ),
        Curable("deep hard sigmoid", lambda: dense(12, xavier, nn.Hardsigmoid), lambda: dense(12, xavier, nn.Tanh)),
    )
}  # fmt: skip
