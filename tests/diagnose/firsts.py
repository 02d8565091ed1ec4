"""Mistakes and sound models of first contact: what a stranger's first tries missed, or were told wrongly of."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.mistakes import Of
from tests.diagnose.models import Pair, changed, dense, he
from tests.diagnose.starts import Recurrent

_EDGES = (torch.rand(64, 64, generator=torch.Generator().manual_seed(3)) < 0.3).float() + torch.eye(64)
_DEGREES = _EDGES.sum(1)


def orthogonal(of_a_copy: bool) -> nn.Module:
    """Weights that are drawn anew, or copies of them."""
    model = nn.Sequential(*[m for _ in range(3) for m in (nn.Linear(32, 32), nn.Tanh())], nn.Linear(32, 10))
    for layer in model[::2]:
        nn.init.orthogonal_(layer.weight.detach().clone() if of_a_copy else layer.weight)
    return model


def weight_normed(late: bool) -> nn.Module:
    """A weight that its parametrization computes, drawn before or after it was put in."""
    layer = nn.Linear(32, 64)
    if late:
        nn.init.normal_(nn.utils.parametrizations.weight_norm(layer).weight, std=0.2)
    else:
        nn.init.normal_(layer.weight, std=0.2)
        nn.utils.parametrizations.weight_norm(layer)
    return nn.Sequential(layer, nn.ReLU(), nn.Linear(64, 10))


def attribute(scaled: bool) -> nn.Module:
    """A matrix that is a parameter, or a parameter times a number: an attribute that no optimiser is given."""
    model: Any = Of(lambda m, x: m.head(F.relu(x @ m.w)), head=nn.Linear(64, 10))
    model.w = nn.Parameter(torch.randn(32, 64) * 0.1) * 1.0 if scaled else nn.Parameter(torch.randn(32, 64) * 0.1)
    return model


def written_out(eps: float) -> nn.Module:
    """An RMS norm in plain operations."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = m.first(x)
        return m.head(h * torch.rsqrt(h.square().mean(-1, keepdim=True) + eps))

    return Of(forward, first=nn.Linear(32, 32), head=nn.Linear(32, 10))


def convolved(depth: int) -> nn.Module:
    """Graph convolutions over a dense graph whose nodes are the rows."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        mean = _EDGES / (_DEGREES[:, None] * _DEGREES).sqrt()
        for layer in m.layers:
            x = F.relu(mean @ layer(x))
        return m.head(x)

    layers = nn.ModuleList(changed(nn.Linear(32, 32, bias=False), lambda m: he(m.weight)) for _ in range(depth))
    return Of(forward, layers=layers, head=nn.Linear(32, 10))


def graph_attention() -> nn.Module:
    """Attention along edges: what is no edge gets a score of -1e9."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = m.w(x)
        scores = F.leaky_relu(m.a(h) + m.b(h).T).masked_fill(_EDGES == 0, -1e9)
        return m.head(F.elu((scores + torch.where(_EDGES > 0, 0.0, -1e9)).softmax(1) @ h))

    return Of(forward, w=nn.Linear(32, 32), a=nn.Linear(32, 1), b=nn.Linear(32, 1), head=nn.Linear(32, 10))


def zeroed_by_std() -> nn.Module:
    return changed(dense(2, he), lambda m: nn.init.normal_(m[4].weight, std=0.0))


def averaged() -> nn.Module:
    """Few convolutions and an average over many positions: rows of noise are alike behind it."""
    layers = [m for n in (3, 16, 16) for m in (nn.Conv2d(n, 16, 3, padding=1), nn.ReLU())]
    return nn.Sequential(
        nn.Upsample(64, mode="nearest"), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
    )


FIRST = (
    Pair("draw of a copy", lambda: orthogonal(True), lambda: orthogonal(False), "init.unset", "2.weight"),
    Pair("draw of a normed weight", lambda: weight_normed(True), lambda: weight_normed(False), "init.unset", "0."),
    Pair("scaled parameter", lambda: attribute(True), lambda: attribute(False), "structure.unregistered", "w"),
    Pair("eps of a norm by hand", lambda: written_out(10.0), lambda: written_out(1e-6), "norm.eps", "first"),
    Pair("too many graph convolutions", lambda: convolved(24), lambda: convolved(3), "signal.collapse", "layers"),
    Pair(
        "gates at their ends", lambda: Recurrent(lambda w: nn.init.normal_(w, std=3.0)),
        lambda: Recurrent(lambda w: nn.init.normal_(w, std=0.2)), "unit.saturated", "rnn", "sequence",
    ),
)  # fmt: skip

STILL = {
    "graph attention": (graph_attention, "vector", None),
    "drawn with a std of 0": (zeroed_by_std, "vector", None),
    "average over positions": (averaged, "image", None),
}


class Tables(nn.Module):
    """word2vec: a table that is drawn, times one of zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.outside = nn.Embedding(50, 16), nn.Embedding(50, 16)
        nn.init.uniform_(self.inside.weight, -1 / 32, 1 / 32)
        nn.init.zeros_(self.outside.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.inside(x[:, :1]) * self.outside(x[:, 1:])).sum(-1)


def pairs(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(model(x), torch.zeros(len(x), x.shape[1] - 1))


class Gated(nn.Module):
    """Biases of noise for the values and of ones for the gates, in every block."""

    def __init__(self) -> None:
        super().__init__()
        self.maps, self.head = nn.ModuleList(nn.Linear(32, 256) for _ in range(3)), nn.Linear(32, 10)
        self.down = nn.ModuleList(nn.Linear(128, 32) for _ in range(3))
        with torch.no_grad():
            for m in self.maps:
                m.bias.normal_(std=1e-6)
                m.bias[128:].fill_(1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for up, down in zip(self.maps, self.down, strict=True):
            value, gate = up(x).chunk(2, -1)
            x = x + down(value * torch.sigmoid(gate))
        return self.head(x)


def adapter(first: bool) -> nn.Module:
    """A frozen map beside a branch of rank 4 whose first factor starts at zero, and its second does not."""
    base, a, b = nn.Linear(32, 32), nn.Linear(32, 4, bias=False), nn.Linear(4, 32, bias=False)
    base.requires_grad_(False)
    nn.init.zeros_((a if first else b).weight)
    return Of(lambda m, x: m.head(F.relu(m.base(x) + m.b(m.a(x)))), base=base, a=a, b=b, head=nn.Linear(32, 10))


def one_list() -> nn.Module:
    """Convolutions of one list, written in one loop over it, beside a stem with torch's default."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        for layer in m.layers:
            x = x + F.relu(layer(x))
        return m.head(x.mean((2, 3)))

    layers = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(6))
    model = Of(forward, stem=nn.Conv2d(3, 8, 3), layers=layers, head=nn.Linear(8, 10))
    for layer in layers:
        nn.init.normal_(layer.weight, std=0.02)
    return model


def queries(alike: bool) -> nn.Module:
    """Learned queries, broadcast over the batch, that start at one value or are drawn."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        return m.head(m.attend(m.queries.expand(len(x), -1, -1), x, x)[0].mean(1))

    start = torch.full((1, 8, 32), 0.02) if alike else torch.randn(1, 8, 32) * 0.02
    attend = nn.MultiheadAttention(32, 4, batch_first=True)
    return Of(forward, queries=nn.Parameter(start), attend=attend, head=nn.Linear(32, 10))


FIRST = (
    *FIRST,
    Pair("queries alike", lambda: queries(True), lambda: queries(False), "init.symmetric", "queries", "sequence"),
)
STILL |= {
    "drawn table times zeros": (Tables, "tokens", pairs),
    "ones beside noise": (Gated, "vector", None),
    "first factor of zeros": (lambda: adapter(True), "vector", None),
    "a loop over one list": (one_list, "image", None),
}


class Place(nn.Linear):
    """A linear map of the author's own class."""


def swept(how: str) -> nn.Module:
    """One line for all maps and tables: it takes all, misses a subclass, or leaves out one table of two."""
    layers = [m for i in range(5) for m in ((Place if i == 3 else nn.Linear)(32, 32), nn.Tanh())]
    tokens, places = nn.Embedding(50, 32), nn.Embedding(12, 32)
    body = nn.Sequential(*layers, nn.Linear(32, 50))
    model = Of(lambda m, x: m.maps(m.tokens(x) + m.places.weight), tokens=tokens, places=places, maps=body)
    left = {"class": body[6], "table": places}.get(how)
    for m in model.modules():
        if isinstance(m, (nn.Linear, nn.Embedding)) and m is not left:
            nn.init.normal_(m.weight, std=0.1)
    return model


FIRST = (
    *FIRST,
    Pair("subclass missed", lambda: swept("class"), lambda: swept(""), "init.unset", "maps.6", "tokens"),
    Pair("one table of two left out", lambda: swept("table"), lambda: swept(""), "init.unset", "places", "tokens"),
)
