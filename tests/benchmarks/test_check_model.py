"""What looking at a model costs beside building it and one of its own steps: one draw of a small GPT-2.

Compare within the group: the goal for one draw is at most 5 times the build with its forward and backward pass.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from varlaw import check_model

LAYERS, WIDTH, VOCABULARY, TOKENS = 6, 384, 8192, 64


class GPT(nn.Module):
    """GPT-2's shape, a quarter of its size: pre-norm blocks, a head of its own."""

    def __init__(self) -> None:
        super().__init__()
        make = {"dropout": 0.0, "batch_first": True, "norm_first": True, "activation": "gelu"}
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, 6, 4 * WIDTH, **make) for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY, bias=False)
        for p in self.parameters():
            if p.ndim > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(TOKENS)
        h = self.tokens(tokens) + self.positions(torch.arange(TOKENS))
        for block in self.blocks:
            h = block(h, src_mask=mask, is_causal=True)
        return self.head(self.norm(h))


def batch() -> torch.Tensor:
    return torch.randint(0, VOCABULARY, (4, TOKENS), generator=torch.Generator().manual_seed(0))


def loss(model: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def step() -> None:
    loss(GPT(), batch()).backward()


@pytest.mark.benchmark(group="check-model")
def test_build_forward_backward(benchmark: object) -> None:
    benchmark(step)  # type: ignore[operator]


@pytest.mark.benchmark(group="check-model")
def test_check_model(benchmark: object) -> None:
    report = benchmark(check_model, GPT, batch(), loss, redraws=1)  # type: ignore[operator]
    assert report.ok, report
