"""A pass foreseen from its inputs alone beside what it measures: gates, pooling, joins, attention of correlated tokens.

Models, seeds and batches are fixed, so that the shares below are facts about them; the widths are small, and nine of
ten operations come out within a quarter of their second moment.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import varlaw
from varlaw.diagnose.foresight import Foresight, foresight
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.torch.looking import looked
from varlaw.evidence.streams import Key
from varlaw.theory.networks.attention import averaged

WIDTH, TOKENS, VOCABULARY = 64, 16, 100
QUARTER = math.log(1.25)


class Gated(nn.Module):
    """A pre-norm block with attention and a gated MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.gate, self.up, self.down = (nn.Linear(a, b) for a, b in ((WIDTH, 128), (WIDTH, 128), (128, WIDTH)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, tokens, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(rows, tokens, 3, 4, WIDTH // 4).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(rows, tokens, WIDTH))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Language(nn.Module):
    """Tokens that come again, so that those of one text are alike."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList(Gated() for _ in range(3))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.tokens(x) + self.positions(torch.arange(TOKENS))
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h))


class Images(nn.Module):
    """Convolutions with a pool, two paths side by side, a squeeze gate and a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.left, self.right = nn.Conv2d(32, 32, 1), nn.Conv2d(32, 32, 3, padding=1, padding_mode="circular")
        self.squeeze, self.gate = nn.Conv2d(64, 16, 1), nn.Conv2d(16, 64, 1)
        self.scale = nn.Parameter(torch.full((64, 1, 1), 0.5))
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.bn(self.stem(x))), 2)
        x = torch.cat([self.left(x), self.right(x)], dim=1)
        x = x * torch.sigmoid(self.gate(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        return self.head(F.adaptive_avg_pool2d(x * self.scale, 1).flatten(1))


class Elementwise(nn.Module):
    """SiLU by hand: its two factors are one signal, which no rule of independent ones fits."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(32, 64), nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x)
        return self.head(h * torch.sigmoid(h))


def text() -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 8, (8, TOKENS), generator=generator)  # of 8 words only


def pixels() -> torch.Tensor:
    return torch.randn(16, 3, 12, 12, generator=torch.Generator().manual_seed(3))


def language(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(x)[:, :-1].flatten(0, 1), x[:, 1:].flatten())


def classify(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(x), torch.arange(len(x)) % 10)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any], Callable[..., Any]]] = {
    "language": (Language, text, language),
    "images": (Images, pixels, classify),
}


def along(name: str) -> Foresight:
    build, batch, loss = MODELS[name]
    found = looked(build, batch(), loss, 1, None, Key("foresight", name), lambda _: False)
    return foresight(found.sights[0], Graph(found.sights[0].calls), found.seconds)


def misses(ahead: Foresight) -> dict[int, float]:
    """|ln measured / foreseen| of every operation that is foreseen."""
    found = {}
    for call in ahead.sight.calls:
        second, _, _ = ahead.of(call.number)
        if second and call.output and call.output.second > 0 and call.kind != "loss":
            found[call.number] = abs(math.log(call.output.second / second))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_nine_of_ten_operations_come_within_a_quarter(name: str) -> None:
    ahead = along(name)
    missed = misses(ahead)
    assert len(missed) > 10
    assert sum(m < QUARTER for m in missed.values()) >= 0.9 * len(missed)


@pytest.mark.parametrize("name", MODELS)
def test_nothing_but_beginnings_is_taken_as_measured(name: str) -> None:
    ahead = along(name)
    seen = {c.kind for c in ahead.sight.calls if c.number in ahead.ahead and ahead.ahead[c.number].seen}
    assert seen <= {"input", "embedding", "loss"}


def test_gradients_of_a_language_model() -> None:
    """Eight of ten within a factor of 2: attention gives tokens unequal shares, which theory takes as equal."""
    ahead = along("language")
    calls = [c for c in ahead.sight.calls if c.number in ahead.gradients and c.gradient and c.gradient.second > 0]
    missed = [abs(math.log(c.gradient.second / ahead.gradients[c.number])) for c in calls if c.gradient]
    assert len(missed) > 20
    assert sum(m < math.log(2) for m in missed) >= 0.8 * len(missed)


def test_tokens_taken_as_unlike_miss_what_attention_keeps() -> None:
    """Teeth: without what tokens share, the first attention would make far less than it does."""
    ahead = along("language")
    call = next(c for c in ahead.sight.calls if c.kind == "attention")
    before = ahead.ahead[call.parents[0]].signal
    blind = averaged(replace(before, positions=0.0, elsewhere=0.0), 1 / TOKENS, float(TOKENS))
    assert call.output
    assert misses(ahead)[call.number] < QUARTER
    assert call.output.second > 1.5 * blind.second_moment


def test_factors_of_one_signal_are_only_seen() -> None:
    found = varlaw.predict(Elementwise, torch.randn(64, 32, generator=torch.Generator().manual_seed(4)))
    by = {d.label: d for d in found.depths}
    assert by["mul"].second is None
    assert by["mul"].measured is not None
    assert by["head linear"].second is not None


def test_a_model_is_predicted_beside_its_own_pass() -> None:
    found = varlaw.predict(Language, text(), language)
    assert "seen" in str(found)
    assert max(map(len, str(found).splitlines())) <= 80
    assert "<circle" in found.svg()


def test_a_model_without_a_batch_is_one_line() -> None:
    with pytest.raises(ValueError, match="batch is missing"):
        varlaw.predict(Language)


def test_a_report_has_what_is_foreseen() -> None:
    report = varlaw.check_model(Language, text(), language, redraws=2)
    row = next(r for r in report.record.rows if r.path == "blocks.2.down")
    assert row.foreseen is not None
    assert row.foreseen_low is not None
    assert row.foreseen_low < row.foreseen
    assert row.foreseen_gradient is not None
