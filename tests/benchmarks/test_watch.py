"""What a watch costs, as a ratio to the bare step: a small GPT and a small ResNet, each at three settings.

Compare within the group: the goals are 1 % of a step for parameters, gradients and updates at every step, and 1 % more
for activations every 100 steps. Steps with and without are taken in turn, so that a loaded machine slows both.
"""

import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import varlaw

LAYERS, WIDTH, HEADS, VOCABULARY, TOKENS = 4, 256, 4, 1024, 64


class GPT(nn.Module):
    """Pre-norm blocks, a head that is the table of tokens: 3.4 million weights."""

    def __init__(self) -> None:
        super().__init__()
        make = {"dropout": 0.0, "batch_first": True, "norm_first": True, "activation": "gelu"}
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, **make) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(TOKENS))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        h = self.tokens(tokens) * WIDTH**-0.5 + self.positions(torch.arange(TOKENS)) * 0.02
        for block in self.blocks:
            h = block(h, src_mask=self.mask, is_causal=True)
        return self.norm(h) @ self.tokens.weight.T * WIDTH**-0.5


class Block(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(inputs, width, 3, stride, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        self.skip = nn.Conv2d(inputs, width, 1, stride) if inputs != width else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(h)) + self.skip(x))


def resnet() -> nn.Module:
    """ResNet-20 for images of 32 x 32."""
    widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    layers = [nn.Conv2d(3, 16, 3, 1, 1), *(Block(*w) for w in widths), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def gpt_loss(model: nn.Module) -> torch.Tensor:
    tokens = torch.randint(0, VOCABULARY, (16, TOKENS))
    return F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def resnet_loss(model: nn.Module) -> torch.Tensor:
    return F.cross_entropy(model(torch.randn(128, 3, 32, 32)), torch.randint(0, 10, (128,)))


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], torch.Tensor]]] = {
    "GPT": (GPT, gpt_loss),
    "ResNet-20": (resnet, resnet_loss),
}


def steps(name: str, every: int | None) -> Iterator[float]:
    """CPU seconds of one step after another; not watched where `every` is None."""
    make, loss_of = MODELS[name]
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    run = varlaw.watch(model, optimizer, every=every or 1)
    if every:
        run.__enter__()
    while True:
        began = time.process_time()
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        if every:
            run.step(loss)
        yield time.process_time() - began


class Overhead(NamedTuple):
    """CPU seconds of a bare step, and by how much of it a watched one is longer: median of pairs, and its error."""

    bare: float
    more: float
    error: float


def overhead(name: str, every: int, pairs: int, skipped: int = 3) -> Overhead:
    """Steps with and without in turn, either first in every other pair."""
    runs = steps(name, None), steps(name, every)
    taken = []
    for i in range(pairs + skipped):
        first = i % 2
        times = {first: next(runs[first]), 1 - first: next(runs[1 - first])}
        taken.append((times[0], times[1]))
    bare = median(b for b, _ in taken[skipped:])
    more = sorted((w - b) / bare for b, w in taken[skipped:])
    middle, wide = pairs // 2, int(pairs**0.5 / 2)
    return Overhead(bare, median(more), (more[middle + wide] - more[middle - wide]) / 2)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.benchmark(group="watch")
def test_bare_step(benchmark: object, name: str) -> None:
    bare = steps(name, None)
    benchmark(lambda: next(bare))  # type: ignore[operator]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.benchmark(group="watch")
def test_watched_step(benchmark: object, name: str) -> None:
    """Parameters, gradients and updates: no activations after the first steps."""
    watched = steps(name, 1 << 20)
    benchmark(lambda: next(watched))  # type: ignore[operator]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.benchmark(group="watch")
def test_sampled_step(benchmark: object, name: str) -> None:
    """Every step is sampled: divide what it costs more by 100."""
    watched = steps(name, 1)
    benchmark(lambda: next(watched))  # type: ignore[operator]


if __name__ == "__main__":  # python -m tests.benchmarks.test_watch [PAIRS]: the table of ratios
    torch.set_num_threads(1)
    count = int(sys.argv[1]) if sys.argv[1:] else 100
    for model in MODELS:
        parameters, sampled = overhead(model, 1 << 20, count), overhead(model, 1, max(count // 4, 12))
        print(f"{model}: bare step {parameters.bare * 1e3:.0f} ms CPU")
        print(f"  parameters, gradients, updates, every step: {parameters.more:+.2%} +- {parameters.error:.2%}")
        print(
            f"  a sampled step: {sampled.more:+.0%} +- {sampled.error:.0%}, every 100 steps {sampled.more / 100:+.2%}"
        )
