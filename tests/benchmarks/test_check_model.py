"""What looking at a model costs beside building it and one of its own steps, at GPT-2 small's shape.

Compare within the group: the goal for one draw is at most 5 times the build with its forward and backward pass (1.6 to
2 measured), for 16 draws 20 times (2.8 measured: passes end when no further one could change what is said).
"""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from varlaw import check_model

LAYERS, WIDTH, HEADS, VOCABULARY, TOKENS, ROWS = 12, 768, 12, 50257, 128, 2


class GPT(nn.Module):
    """GPT-2's shape: pre-norm blocks, a head that is the table of tokens."""

    def __init__(self) -> None:
        super().__init__()
        make = {"dropout": 0.0, "batch_first": True, "norm_first": True, "activation": "gelu"}
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, **make) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        for p in self.parameters():
            if p.ndim > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(TOKENS)
        h = self.tokens(tokens) + self.positions(torch.arange(TOKENS))
        for block in self.blocks:
            h = block(h, src_mask=mask, is_causal=True)
        return self.norm(h) @ self.tokens.weight.T


def batch() -> torch.Tensor:
    return torch.randint(0, VOCABULARY, (ROWS, TOKENS), generator=torch.Generator().manual_seed(0))


def loss(model: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def step() -> None:
    loss(GPT(), batch()).backward()


@pytest.mark.benchmark(group="check-model")
def test_build_forward_backward(benchmark: Any) -> None:
    benchmark.pedantic(step, rounds=2)


@pytest.mark.benchmark(group="check-model")
@pytest.mark.parametrize("redraws", [1, 16])
def test_check_model(benchmark: Any, redraws: int) -> None:
    report = benchmark.pedantic(check_model, (GPT, batch(), loss), {"redraws": redraws}, rounds=2)
    assert report.ok, report
