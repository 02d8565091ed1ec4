"""Small models, each faulty one beside its healthy twin: after mistakes that were reported in public."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

Build = Callable[[], nn.Module]


@dataclass(frozen=True)
class Pair:
    """A mistake, the model without it, the word that names it, and a part of the place where it is."""

    name: str
    faulty: Build
    healthy: Build
    signal: str
    place: str
    kind: str = "vector"  # of batch
    expect: Any = None
    loss: Callable[[nn.Module, Any], torch.Tensor] | None = None
    healthy_loss: Callable[[nn.Module, Any], torch.Tensor] | None = None


def batch(kind: str) -> Any:
    """The batch of a kind of model; a fixed one, since the models are what is tried."""
    generator = torch.Generator().manual_seed(1)
    if kind == "tokens":
        return torch.randint(0, 50, (8, 12), generator=generator)
    shape = {"vector": (64, 32), "image": (8, 3, 12, 12), "sequence": (8, 10, 32), "small": (64, 32)}[kind]
    return torch.randn(shape, generator=generator) * (1e-3 if kind == "small" else 1.0)


def classify(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Cross entropy against labels that look at no input."""
    logits = model(x)
    labels = torch.arange(logits.shape[0]) % logits.shape[-1]
    return F.cross_entropy(logits, labels)


def language(model: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the next token."""
    logits = model(tokens)[:, :-1]
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def loss_of(kind: str) -> Callable[[nn.Module, Any], torch.Tensor]:
    """The loss of a kind of model."""
    return language if kind == "tokens" else classify


# -- parts -------------------------------------------------------------------------------------------------------------


def dense(
    depth: int,
    init: Callable[[torch.Tensor], Any],
    activation: type[nn.Module] = nn.ReLU,
    width: int = 64,
    classes: int = 10,
) -> nn.Sequential:
    """A stack with `init` for every hidden weight, zero biases, and a LeCun head."""
    layers: list[nn.Module] = []
    for side in (32, *[width] * (depth - 1)):
        layers += [_linear(side, width, init), activation()]
    return nn.Sequential(*layers, _linear(width, classes, lambda w: nn.init.normal_(w, std=width**-0.5)))


def _linear(n: int, m: int, init: Callable[[torch.Tensor], Any]) -> nn.Linear:
    layer = nn.Linear(n, m)
    init(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def he(w: torch.Tensor) -> Any:
    return nn.init.kaiming_normal_(w, nonlinearity="relu")


def normal(std: float) -> Callable[[torch.Tensor], Any]:
    return lambda w: nn.init.normal_(w, std=std)


def changed(model: nn.Module, change: Callable[[Any], Any]) -> nn.Module:
    """The model after `change` without gradients."""
    with torch.no_grad():
        change(model)
    return model


class Block(nn.Module):
    """A pre-norm block; without `norm` it grows like its own input."""

    def __init__(self, width: int, norm: bool = True, scale: float = 1.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.up = _linear(width, 4 * width, he)
        self.down = _linear(4 * width, width, lambda w: nn.init.normal_(w, std=scale * (4 * width) ** -0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(F.relu(self.up(self.norm(x))))


class Language(nn.Module):
    """A small GPT whose maps that end a branch are divided by sqrt(2 L), but for block `forgotten`."""

    def __init__(
        self, layers: int = 4, width: int = 64, forgotten: int | None = None, all_forgotten: bool = False
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50, width)
        self.positions = nn.Parameter(torch.zeros(12, width))
        make = {"dropout": 0.0, "batch_first": True, "norm_first": True, "activation": "gelu"}
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(width, 4, 4 * width, **make) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 50, bias=False)
        nn.init.normal_(self.positions, std=0.02)
        for name, p in self.named_parameters():
            if p.ndim > 1:
                nn.init.normal_(p, std=0.02)
            elif "norm" not in name:
                nn.init.zeros_(p)
        for i, block in enumerate(self.blocks):
            for layer in () if all_forgotten or i == forgotten else (block.linear2, block.self_attn.out_proj):
                nn.init.normal_(layer.weight, std=0.02 / (2 * layers) ** 0.5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        h = self.tokens(tokens) + self.positions
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        for block in self.blocks:
            h = block(h, src_mask=mask, is_causal=True)
        return self.head(self.norm(h))


class Cut(nn.Module):
    """Two parts with a detach() between them."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.first, self.second, self.cut = dense(1, he, classes=16), _linear(16, 10, he), cut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x)
        return self.second(F.relu(h.detach() if self.cut else h))


class Extra(nn.Module):
    """A body with a parameter beside it that is used or not, written or not."""

    def __init__(self, used: bool = True, written: bool = True) -> None:
        super().__init__()
        self.body, self.used = dense(2, he), used
        self.scale = nn.Parameter(torch.ones(10) if written else torch.empty(10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x) * (self.scale if self.used else 1.0)


class Adapter(nn.Module):
    """A frozen map with a low-rank branch beside it."""

    def __init__(self, active: bool) -> None:
        super().__init__()
        self.base, self.head = _linear(32, 32, he), _linear(32, 10, he)
        self.base.requires_grad_(False)
        self.a = nn.Linear(32, 4, bias=False)
        self.b = nn.Linear(4, 32, bias=False)
        if not active:
            nn.init.zeros_(self.b.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(F.relu(self.base(x) + self.b(self.a(x))))


def convolutional(norm: bool = True, groups: int = 4) -> nn.Module:
    middle = nn.GroupNorm(groups, 16) if norm else nn.Identity()
    return nn.Sequential(nn.Conv2d(3, 16, 12), middle, nn.ReLU(), nn.Flatten(), nn.Linear(16, 10))


def extended(scale: float) -> nn.Module:
    """A language model whose last 10 tokens were added with another scale."""
    return changed(Language(2), lambda m: m.tokens.weight[40:].normal_(std=scale))


def copied(copy: bool) -> nn.Module:
    def change(m: Any) -> None:
        if copy:
            m[4].weight.copy_(m[2].weight)

    return changed(dense(3, he), change)


PAIRS = (
    Pair("never written", lambda: Extra(written=False), Extra, "init.uninitialised", "scale"),
    Pair("not used", lambda: Extra(used=False), Extra, "gradient.none", "scale"),
    Pair("detached", lambda: Cut(True), lambda: Cut(False), "gradient.none", "first"),
    Pair("one residual scale forgotten", lambda: Language(forgotten=2), Language, "init.peers", "blocks.2.", "tokens"),
    Pair("no residual scale", lambda: Language(all_forgotten=True), Language, "init.law", "linear2", "tokens", "gpt2"),
    Pair("copied layer", lambda: copied(True), lambda: copied(False), "init.copied", "2.weight"),
    Pair("std 1", lambda: dense(6, nn.init.normal_), lambda: dense(6, he), "signal.grows", "weight"),
    Pair("std 0.01", lambda: dense(8, normal(0.01)), lambda: dense(8, he), "signal.shrinks", "weight"),
    Pair("torch's default, 20 deep", lambda: dense(20, lambda w: None), lambda: dense(20, he), "gradient.shrinks", "0"),
    Pair(
        "sigmoids, 10 deep",
        lambda: dense(10, nn.init.xavier_normal_, nn.Sigmoid), lambda: dense(10, nn.init.xavier_normal_, nn.Tanh),
        "gradient.shrinks", "0",
    ),
    Pair(
        "residual without norm",
        lambda: nn.Sequential(*[Block(32, norm=False) for _ in range(30)], nn.Linear(32, 10)),
        lambda: nn.Sequential(*[Block(32, norm=True) for _ in range(30)], nn.LayerNorm(32), nn.Linear(32, 10)),
        "signal.residual", "",
    ),
    Pair(
        "constant weights",
        lambda: dense(2, lambda w: nn.init.constant_(w, 0.05)), lambda: dense(2, he), "init.symmetric", "0.weight",
    ),
    Pair(
        "huge head", lambda: changed(dense(2, he), lambda m: m[4].weight.mul_(50)), lambda: dense(2, he),
        "loss.start", "4",
    ),
    Pair(
        "softmax before the loss", lambda: nn.Sequential(dense(2, he), nn.Softmax(-1)),
        lambda: nn.Sequential(dense(2, he)),
        "structure.doubled", "1",
    ),
    Pair(
        "two activations", lambda: nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Tanh(), nn.Linear(64, 10)),
        lambda: nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 10)), "structure.doubled", "2",
    ),
    Pair(
        "dead units", lambda: changed(dense(2, he), lambda m: m[0].bias.fill_(-20)), lambda: dense(2, he),
        "unit.dead", "1",
    ),
    Pair(
        "saturated units", lambda: dense(2, normal(3), nn.Tanh),
        lambda: dense(2, nn.init.xavier_normal_, nn.Tanh), "unit.saturated", "1",
    ),
    Pair(
        "group norm of one value", lambda: convolutional(groups=16), lambda: convolutional(groups=4),
        "norm.degenerate", "1", "image",
    ),
    Pair(
        "eps larger than the variance", lambda: nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 10)),
        lambda: nn.Sequential(nn.LayerNorm(32, eps=1e-12), nn.Linear(32, 10)), "norm.eps", "0", "small",
    ),
    Pair("active adapter", lambda: Adapter(True), lambda: Adapter(False), "adapter.active", ""),
    Pair("new tokens", lambda: extended(1.0), lambda: extended(0.02), "embedding.new", "tokens", "tokens"),
    Pair(
        "overflow", lambda: nn.Sequential(dense(2, normal(1e18))),
        lambda: nn.Sequential(dense(2, he)), "number.range", "",
    ),
    Pair(
        "passed over", lambda: passed_over(True), lambda: passed_over(False), "init.unset", "4.weight",
    ),
    Pair(
        "table put in afterwards", lambda: positions(True), lambda: positions(False), "init.unset", "places", "tokens",
    ),
    Pair(
        "statistics stand still", lambda: nn.Sequential(nn.BatchNorm1d(32, momentum=0.0), dense(1, he)),
        lambda: nn.Sequential(nn.BatchNorm1d(32, momentum=None), dense(1, he)), "norm.statistics", "0",
    ),
    Pair(
        "a word for a constant", lambda: changed(dense(3, he), lambda m: m[2].bias.fill_(0.1)), lambda: dense(3, he),
        "init.law", "2.bias", expect={"*.bias": "zeros"},
    ),
    Pair(
        "wrong law", lambda: dense(3, nn.init.xavier_normal_), lambda: dense(3, he), "init.law", "weight",
        expect={"[024].weight": "he_normal(fan_in)", "*.bias": "Constant(0)"},
    ),
)  # fmt: skip


def passed_over(faulty: bool) -> nn.Module:
    """model.apply(...) before one of the layers is put in."""
    model = nn.Sequential(*[layer for _ in range(5) for layer in (nn.Linear(32, 32), nn.ReLU())], nn.Linear(32, 10))

    def init(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.xavier_normal_(m.weight)
            nn.init.zeros_(m.bias)

    model.apply(init)
    if faulty:
        model[4] = nn.Linear(32, 32)
    return model


class Positions(nn.Module):
    """Tokens, their places and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, 32), nn.Embedding(12, 32)
        self.up, self.head = nn.Linear(32, 64), nn.Linear(64, 50)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(F.relu(self.up(self.tokens(x) + self.places.weight)))


def positions(faulty: bool) -> nn.Module:
    """A table of positions with the layer's own law beside one of tokens with the author's."""
    model = Positions()
    for m in model.modules():
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.1)
        if isinstance(m, nn.Linear):
            nn.init.zeros_(m.bias)
    if faulty:
        model.places = nn.Embedding(12, 32)
    return model
