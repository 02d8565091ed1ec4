"""Small networks of many architectures as their libraries initialise them, each with a function of a seed as batch."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.models import changed

Make = Callable[[], nn.Module]
WIDTH, TOKENS, VOCABULARY = 64, 16, 100


def vectors(seed: int) -> torch.Tensor:
    return torch.randn(64, WIDTH, generator=torch.Generator().manual_seed(seed))


def images(seed: int) -> torch.Tensor:
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def texts(seed: int) -> torch.Tensor:
    return torch.randint(VOCABULARY, (8, TOKENS), generator=torch.Generator().manual_seed(seed))


def stack(act: Make, depth: int, width: int = WIDTH, norm: Any = None, drop: float = 0.0) -> nn.Module:
    layers: list[nn.Module] = []
    for n in (WIDTH, *[width] * (depth - 1)):
        layers += [nn.Linear(n, width), *([norm(width)] if norm else []), act(), *([nn.Dropout(drop)] if drop else [])]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def he(model: nn.Module) -> nn.Module:
    return changed(model, lambda m: [nn.init.kaiming_normal_(p) for p in m.parameters() if p.ndim > 1])


class Residual(nn.Module):
    def __init__(self, norm: Any, act: Callable[[Any], Any], scale: float) -> None:
        super().__init__()
        self.norm, self.up, self.down = norm(WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.act, self.scale = act, scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.scale * self.down(self.act(self.up(self.norm(x))))


def residuals(n: int, norm: Any = nn.LayerNorm, act: Callable[[Any], Any] = F.relu, scale: float = 1.0) -> nn.Module:
    blocks = [Residual(norm, act, scale) for _ in range(n)]
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), *blocks, nn.Linear(WIDTH, 10))


class Gated(nn.Module):
    def __init__(self, act: Callable[[Any], Any]) -> None:
        super().__init__()
        self.norm, self.down, self.act = nn.RMSNorm(WIDTH), nn.Linear(128, WIDTH), act
        self.gate, self.up = nn.Linear(WIDTH, 128), nn.Linear(WIDTH, 128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        return x + self.down(self.act(self.gate(y)) * self.up(y))


class Attention(nn.Module):
    def __init__(self, norm: Any = nn.RMSNorm, causal: bool = True, parallel: bool = False) -> None:
        super().__init__()
        self.norm, self.causal, self.parallel = norm(WIDTH), causal, parallel
        self.q, self.k, self.v, self.out, self.map = (nn.Linear(WIDTH, WIDTH) for _ in range(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        q, k, v = (f(y).view(*x.shape[:2], 4, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out(heads.transpose(1, 2).reshape(x.shape))
        return x + self.map(F.gelu(y)) if self.parallel else x


class Masked(nn.Module):
    """The encoder layer under a causal mask, which torch hands on by place."""

    def __init__(self, hint: bool) -> None:
        super().__init__()
        self.layer, self.hint = encoder(norm_first=True), hint

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(TOKENS)
        return self.layer(x, src_mask=mask, is_causal=self.hint)


class Mixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.across, self.along = nn.LayerNorm(WIDTH), nn.Linear(TOKENS, TOKENS), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.across(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + F.gelu(self.along(x))


class Language(nn.Module):
    def __init__(self, block: Make, positions: bool = True) -> None:
        super().__init__()
        self.tokens, self.blocks = nn.Embedding(VOCABULARY, WIDTH), nn.ModuleList(block() for _ in range(3))
        self.positions = nn.Parameter(torch.randn(TOKENS, WIDTH) * 0.5) if positions else None
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.tokens(x) if self.positions is None else self.tokens(x) + self.positions
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h))


def encoder(**options: Any) -> nn.Module:
    return nn.TransformerEncoderLayer(WIDTH, 4, 128, dropout=0.0, batch_first=True, **options)


def images_to_classes(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def convolutions(act: Make, norm: Any = None, side: int = 3, depth: int = 6, mode: str = "zeros") -> nn.Module:
    layers: list[nn.Module] = []
    for n in (3, *[32] * (depth - 1)):
        conv = nn.Conv2d(n, 32, side, padding=side // 2, padding_mode=mode)
        layers += [conv, *([norm(32)] if norm else []), act()]
    return images_to_classes(*layers)


class ResidualConvolutions(nn.Module):
    def __init__(self, groups: int = 1, side: int = 3) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(32, 32, side, padding=side // 2, groups=groups), nn.Conv2d(32, 32, 1)
        self.norm1, self.norm2 = nn.BatchNorm2d(32), nn.BatchNorm2d(32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.norm2(self.second(F.relu(self.norm1(self.first(x))))))


def residual_convolutions(n: int, groups: int = 1, side: int = 3) -> nn.Module:
    blocks = [ResidualConvolutions(groups, side) for _ in range(n)]
    return images_to_classes(nn.Conv2d(3, 32, 3, padding=1), *blocks)


class Joined(nn.Module):
    """Every layer sees all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.head = nn.ModuleList(nn.Linear(64 + 32 * i, 32) for i in range(4)), nn.Linear(192, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.cat([x, F.relu(layer(x))], 1)
        return self.head(x)


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.map = nn.Embedding(VOCABULARY, WIDTH), stack(nn.ReLU, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.map(self.tokens(x).mean(1))


def _conv(n: int = 32, **options: Any) -> nn.Module:
    return nn.Conv2d(n, 32, 3, **options)


ARCHITECTURES: dict[str, tuple[Make, Callable[[int], torch.Tensor]]] = {
    "relu": (lambda: stack(nn.ReLU, 10), vectors),
    "relu, He": (lambda: he(stack(nn.ReLU, 10)), vectors),
    "leaky relu, wide": (lambda: he(stack(lambda: nn.LeakyReLU(0.2), 8, 256)), vectors),
    "tanh": (lambda: stack(nn.Tanh, 10), vectors),
    "gelu, He": (lambda: he(stack(nn.GELU, 8)), vectors),
    "silu": (lambda: stack(nn.SiLU, 6), vectors),
    "selu": (lambda: stack(nn.SELU, 8), vectors),
    "elu": (lambda: stack(nn.ELU, 8), vectors),
    "mish": (lambda: stack(nn.Mish, 6), vectors),
    "sigmoid": (lambda: stack(nn.Sigmoid, 4), vectors),
    "softplus": (lambda: stack(nn.Softplus, 4), vectors),
    "dropout": (lambda: he(stack(nn.ReLU, 6, drop=0.3)), vectors),
    "layer norm": (lambda: stack(nn.ReLU, 10, norm=nn.LayerNorm), vectors),
    "batch norm": (lambda: stack(nn.ReLU, 10, norm=nn.BatchNorm1d), vectors),
    "rms norm": (lambda: stack(nn.GELU, 8, norm=nn.RMSNorm), vectors),
    "residuals, pre-norm": (lambda: residuals(12), vectors),
    "residuals, no norm": (lambda: residuals(8, nn.Identity), vectors),
    "residuals, scaled": (lambda: residuals(8, nn.LayerNorm, F.gelu, 0.25), vectors),
    "SwiGLU": (lambda: nn.Sequential(*[Gated(F.silu) for _ in range(4)], nn.Linear(WIDTH, 10)), vectors),
    "joined": (Joined, vectors),
    "autoencoder": (lambda: nn.Sequential(stack(nn.ReLU, 2, 32), nn.ReLU(), nn.Linear(10, WIDTH)), vectors),
    "convolutions": (lambda: convolutions(nn.ReLU, mode="circular"), images),
    "convolutions, borders": (lambda: he(convolutions(nn.ReLU)), images),
    "convolutions, batch norm": (lambda: convolutions(nn.ReLU, nn.BatchNorm2d), images),
    "convolutions, group norm": (lambda: convolutions(nn.GELU, lambda c: nn.GroupNorm(4, c), 5, 4), images),
    "convolutions, strided": (lambda: images_to_classes(_conv(3, stride=2), nn.ReLU(), _conv(), nn.ReLU()), images),
    "convolutions, pooled": (lambda: images_to_classes(_conv(3), nn.ReLU(), nn.MaxPool2d(2), _conv()), images),
    "resnet": (lambda: residual_convolutions(4), images),
    "resnet, grouped": (lambda: residual_convolutions(3, groups=4), images),
    "resnet, depthwise": (lambda: residual_convolutions(3, groups=32, side=5), images),
    "transformer, pre-norm": (lambda: Language(lambda: encoder(norm_first=True)), texts),
    "transformer, post-norm": (lambda: Language(lambda: encoder(activation="gelu")), texts),
    "transformer, causal": (lambda: Language(lambda: Masked(True)), texts),
    "transformer, masked": (lambda: Language(lambda: Masked(False)), texts),
    "attention, causal": (lambda: Language(Attention), texts),
    "attention, no positions": (lambda: Language(lambda: Attention(causal=False), positions=False), texts),
    "attention beside a map": (lambda: Language(lambda: Attention(nn.LayerNorm, False, True)), texts),
    "decoder with SwiGLU": (lambda: Language(lambda: nn.Sequential(Attention(), Gated(F.silu))), texts),
    "mixer": (lambda: Language(Mixer, positions=False), texts),
    "bag of words": (Bag, texts),
}
