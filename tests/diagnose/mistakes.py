"""More mistakes beside their healthy twins: of losses, of wiring, of copies, of attention, of what is registered."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.models import Language, Pair, changed, classify, dense, he


class Of(nn.Module):
    """A module whose forward pass is a function of itself and x."""

    def __init__(self, forward: Callable[..., torch.Tensor], **parts: Any) -> None:
        super().__init__()
        self.body = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self, x)


def cut(how: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    """A branch whose result goes through `how` before it is added."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        return m.head(F.relu(x + how(m.branch(x))))

    return Of(forward, branch=nn.Linear(32, 32), head=nn.Linear(32, 10))


def without_gradient(h: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return h * 1.0


def attending(scale: float, dim: int = -1, fused: bool = False) -> nn.Module:
    """One attention over 10 tokens, with queries and keys of variance 1 and width 128."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        q, k, v = m.q(x), m.k(x), m.v(x)
        if fused:
            return m.head(F.scaled_dot_product_attention(q, k, v, scale=scale).mean(1))
        return m.head(((q @ k.transpose(1, 2) * scale).softmax(dim) @ v).mean(1))

    q, k = (changed(nn.Linear(32, 128), lambda m: m.weight.normal_(std=32**-0.5)) for _ in range(2))
    return Of(forward, q=q, k=k, v=nn.Linear(32, 128), head=nn.Linear(128, 10))


def listed(make: Callable[[list[nn.Module]], Any]) -> nn.Module:
    """Three hidden layers in whatever `make` makes of a list."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        for layer in m.hidden:
            x = F.relu(layer(x))
        return m.head(x)

    return Of(forward, hidden=make([nn.Linear(32, 32) for _ in range(3)]), head=nn.Linear(32, 10))


def recurrent(last: Callable[[torch.Tensor], torch.Tensor], gates: bool = False) -> nn.Module:
    """A bidirectional LSTM with a head on `last` of its outputs; `gates`: all four start alike."""
    rnn = nn.LSTM(32, 16, batch_first=True, bidirectional=True)
    if gates:
        changed(rnn, lambda m: [p.copy_(p[:16].repeat(4, 1)) for p in m.parameters() if p.ndim > 1])
    return Of(lambda m, x: m.head(last(m.rnn(x)[0])), rnn=rnn, head=nn.Linear(32, 10))


def both_ends(y: torch.Tensor) -> torch.Tensor:
    return torch.cat([y[:, -1, :16], y[:, 0, 16:]], -1)


def encoder(deep: bool) -> nn.Module:
    """Three blocks, all copies of one or each its own."""
    make = {"dropout": 0.0, "batch_first": True}
    block = nn.TransformerEncoderLayer(32, 4, 64, **make)
    blocks = (copy.deepcopy(block) if deep else nn.TransformerEncoderLayer(32, 4, 64, **make) for _ in range(3))
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(320, 10))


def one_seed(again: bool) -> nn.Module:
    """Layers of different shapes, the generator set before each or not."""
    model = dense(2, he, width=48)
    for layer in (model[0], model[2]):
        if again:
            torch.manual_seed(0)
        nn.init.normal_(layer.weight, std=0.2)
    return model


def normalised(eps: float) -> nn.Module:
    """Divides by a norm whose gradient at zero is not finite without eps under the root."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = m.first(x)
        return m.head(h / ((h.square().sum(-1, keepdim=True) + eps).sqrt() + 1e-6) + x)

    first = changed(nn.Linear(32, 32), lambda m: (m.weight.zero_(), m.bias.zero_()))
    return Of(forward, first=first, head=nn.Linear(32, 10))


def masked(rows: int) -> nn.Module:
    """Attention of which the first rows see nothing."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.zeros(10, 10)
        hidden[:rows] = -math.inf
        return m.head(((m.q(x) @ x.transpose(1, 2) * 0.1 + hidden).softmax(-1) @ x).mean(1))

    return Of(forward, q=nn.Linear(32, 32), head=nn.Linear(32, 10))


def low_rank(a: Callable[[torch.Tensor], Any], b: Callable[[torch.Tensor], Any]) -> nn.Module:
    """A frozen map with a branch of rank 4 whose factors start as given."""
    base, first, second = nn.Linear(32, 32), nn.Linear(32, 4, bias=False), nn.Linear(4, 32, bias=False)
    base.requires_grad_(False)
    a(first.weight)
    b(second.weight)
    return Of(
        lambda m, x: m.head(F.relu(m.base(x) + m.second(m.first(x)))),
        base=base, first=first, second=second, head=nn.Linear(32, 10),
    )  # fmt: skip


def plain(gamma: float) -> nn.Module:
    """Convolutions and batch norms without a residual, whose gains are `gamma`."""
    layers = [
        layer
        for n in (3, 8)
        for layer in (
            nn.Conv2d(n, 8, 3, bias=False),
            changed(nn.BatchNorm2d(8), lambda m: m.weight.fill_(gamma)),
            nn.ReLU(),
        )
    ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def labels(x: torch.Tensor) -> torch.Tensor:
    return torch.arange(len(x)) % 10


def twice_averaged(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return classify(model, x) / len(x)


def accumulated(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The loss of one of three micro-batches."""
    return classify(model, x) / 3


def known(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(x) + 20 * F.one_hot(labels(x), 10), labels(x))


def ignored(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(x), torch.full_like(labels(x), -100))


def raw(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.nll_loss(model(x), labels(x))


def weighed(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(x), labels(x), weight=torch.linspace(0.5, 2, 10), label_smoothing=0.1)


def logs(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.nll_loss(F.log_softmax(model(x), -1), labels(x))


def ended(*last: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(dense(2, he), *last)


def zeros(w: torch.Tensor) -> Any:
    return nn.init.zeros_(w)


def drawn(w: torch.Tensor) -> Any:
    return nn.init.normal_(w, std=0.1)


def small() -> nn.Module:
    return dense(2, he)


MORE = (
    Pair("loss averaged twice", small, small, "loss.start", "", loss=twice_averaged, healthy_loss=accumulated),
    Pair("labels known", small, small, "loss.start", "", loss=known, healthy_loss=weighed),
    Pair("all labels ignored", small, small, "number.range", "", loss=ignored, healthy_loss=weighed),
    Pair("nll of logits", small, small, "loss.start", "", loss=raw, healthy_loss=logs),
    Pair("relu on logits", ended(nn.ReLU()), ended(nn.Identity()), "structure.logits", "1"),
    Pair("dropout on logits", ended(nn.Dropout(0.5)), ended(nn.Dropout(0.0)), "structure.logits", "1"),
    Pair("plain list", lambda: listed(list), lambda: listed(nn.ModuleList), "structure.unregistered", "hidden.1"),
    Pair(
        "layer made in forward", lambda: Of(lambda m, x: m.head(nn.Linear(32, 32)(x)), head=nn.Linear(32, 10)),
        lambda: Of(lambda m, x: m.head(m.first(x)), first=nn.Linear(32, 4), head=nn.Linear(4, 10)),
        "structure.unregistered", "Linear",
    ),
    Pair("data of a branch", lambda: cut(lambda h: h.data), lambda: cut(torch.tanh), "gradient.none", "branch"),
    Pair("branch without graph", lambda: cut(without_gradient), lambda: cut(F.gelu), "gradient.none", "branch"),
    Pair("rounded branch", lambda: cut(torch.round), lambda: cut(torch.sin), "gradient.zero", "branch"),
    Pair(
        "attention without scale", lambda: attending(1.0), lambda: attending(128**-0.5), "unit.saturated", "",
        "sequence",
    ),
    Pair(
        "fused attention without scale", lambda: attending(1.0, fused=True), lambda: attending(128**-0.5, fused=True),
        "unit.saturated", "", "sequence",
    ),
    Pair(
        "softmax over queries", lambda: attending(128**-0.5, dim=1), lambda: attending(128**-0.5), "structure.axis", "",
        "sequence",
    ),
    Pair(
        "last step of both directions", lambda: recurrent(lambda y: y[:, -1]), lambda: recurrent(both_ends),
        "gradient.zero", "weight_hh_l0_reverse", "sequence",
    ),
    Pair(
        "gates alike", lambda: recurrent(both_ends, gates=True), lambda: recurrent(both_ends), "init.copied", "rnn",
        "sequence",
    ),
    Pair("blocks copied", lambda: encoder(True), lambda: encoder(False), "init.copied", "1.linear1", "sequence"),
    Pair("one seed for all shapes", lambda: one_seed(True), lambda: one_seed(False), "init.copied", "2.weight"),
    Pair("root of zero", lambda: normalised(0.0), lambda: normalised(1e-6), "number.range", ""),
    Pair("row without keys", lambda: masked(1), lambda: masked(0), "number.range", "", "sequence"),
    Pair("both factors zero", lambda: low_rank(zeros, zeros), lambda: low_rank(drawn, zeros), "gradient.zero", "first"),
    Pair("gains of zero", lambda: plain(0.0), lambda: plain(1.0), "gradient.zero", "0.weight", "image"),
    Pair(
        "bounds in units", lambda: bounded(2.0), lambda: bounded(9.0), "init.law", "0.weight",
        expect={"0.weight": "Normal(1.0)"},
    ),
    Pair(
        "gain of a norm zero in one block",
        lambda: changed(Language(5), lambda m: m.blocks[2].norm2.weight.zero_()), lambda: Language(5),
        "init.peers", "blocks.2.norm2", "tokens",
    ),
    Pair(
        "table of variance 1 tied to the head", lambda: tied(1.0), lambda: tied(0.02), "loss.start", "", "tokens",
    ),
)  # fmt: skip


def bounded(end: float) -> nn.Module:
    """Weights of std 1 cut at an absolute bound, in front of a norm."""
    first = nn.Linear(32, 64)
    nn.init.trunc_normal_(first.weight, std=1.0, a=-end, b=end)
    return nn.Sequential(first, nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 10))


def tied(std: float) -> nn.Module:
    model = changed(Language(2), lambda m: m.tokens.weight.normal_(std=std))
    model.head.weight = model.tokens.weight
    return model
