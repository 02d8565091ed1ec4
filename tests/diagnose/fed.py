"""Mistakes of what a model and its loss are given, beside their twins: arguments, labels, logarithms, axes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.mistakes import Of
from tests.diagnose.models import Pair, changed, dense, he

FED: tuple[Pair, ...] = ()
NOT_FED: dict[str, tuple[Callable[[], nn.Module], str, Any]] = {}


class Seeing(nn.Module):
    """Text, and an image where there is one; a time that a block takes, where it is handed on."""

    def __init__(self, handed: bool = True) -> None:
        super().__init__()
        self.text, self.time, self.head = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 10)
        self.tower, self.join = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), nn.Linear(8, 32)
        self.masked = nn.Parameter(torch.randn(32))
        self.block, self.handed = Timed(), handed

    def forward(self, x: torch.Tensor, image: Any = None, mask: Any = None) -> torch.Tensor:
        h = self.text(x) if mask is None else torch.where(mask, self.masked, self.text(x))
        if image is not None:
            h = h + self.join(self.tower(image).mean((2, 3)))
        time = self.time(x)
        h = h + self.block(h, time) if self.handed else h + time + self.block(h)
        return self.head(h)


class Timed(nn.Module):
    """A block that adds what it makes of a time."""

    def __init__(self) -> None:
        super().__init__()
        self.map, self.project = nn.Linear(32, 32), nn.Linear(32, 32)

    def forward(self, x: torch.Tensor, time: Any = None) -> torch.Tensor:
        return torch.relu(self.map(x) if time is None else self.map(x) + self.project(time))


def dilated() -> nn.Module:
    """Convolutions with weight norm whose biases are drawn by the fan: that of the first is another."""
    layers = [nn.utils.parametrizations.weight_norm(nn.Conv1d(c, 32, 3, padding=1)) for c in (8, 32, 32, 32)]
    return Of(
        lambda m, x: m.head(m.maps(x.unflatten(1, (8, 4))).mean(-1)),
        maps=nn.Sequential(*layers),
        head=nn.Linear(32, 10),
    )


def at_the_prior() -> nn.Module:
    """RetinaNet's head: maps of N(0, .01) and a last bias at a prior of 1 %."""
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def begin(m: Any) -> None:
        for layer in m[::2]:
            layer.weight.normal_(std=0.01)
            layer.bias.zero_()
        m[4].bias.fill_(-4.6)

    return changed(model, begin)


FED += (Pair("a time that is not handed on", lambda: Seeing(handed=False), Seeing, "gradient.none", "block.project"),)
NOT_FED |= {
    "biases by the fan behind weight norm": (dilated, "vector", None),
    "a last bias at the prior": (
        at_the_prior,
        "vector",
        lambda m, x: F.binary_cross_entropy_with_logits(m(x), 0 * m(x)),
    ),
}


def distilled(logs: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any, torch.Tensor], torch.Tensor]:
    """The divergence from a teacher's probabilities, of what `logs` makes of the logits."""
    return lambda m, x: F.kl_div(logs(m(x)), F.softmax(x[:, :10], -1), reduction="batchmean")


def aligned(logs: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any, torch.Tensor], torch.Tensor]:
    """CTC of rows that are frames of one sequence."""
    target = torch.arange(1, 9)
    return lambda m, x: F.ctc_loss(logs(m(x)), target, torch.tensor(len(x)), torch.tensor(len(target)))


def marked(least: float, largest: float) -> Callable[[Any, torch.Tensor], torch.Tensor]:
    """Binary cross entropy of labels of two values."""
    return lambda m, x: F.binary_cross_entropy_with_logits(m(x), torch.where(x[:, :10] > 0, largest, least))


def softmax(z: torch.Tensor) -> torch.Tensor:
    return F.softmax(z, -1)


def log_softmax(z: torch.Tensor) -> torch.Tensor:
    return F.log_softmax(z, -1)


def plain(trainable: bool = True) -> nn.Module:
    return dense(1, he).requires_grad_(trainable)


FED += tuple(
    Pair(name, plain, plain, signal, "2", loss=loss, healthy_loss=sound)
    for name, signal, loss, sound in (
        ("divergence of probabilities", "structure.doubled", distilled(softmax), distilled(log_softmax)),
        ("divergence of logits", "loss.start", distilled(lambda z: 4 + z), distilled(log_softmax)),
        ("alignment of probabilities", "structure.doubled", aligned(softmax), aligned(log_softmax)),
        ("alignment of logits", "loss.start", aligned(lambda z: 4 + z), aligned(log_softmax)),
        ("labels of -1 and 1", "loss.start", marked(-1.0, 1.0), marked(0.0, 1.0)),
    )
)
FED += (Pair("nothing trains", lambda: plain(trainable=False), plain, "gradient.none", "2.weight"),)


def recurrent(batch_first: bool) -> nn.Module:
    return Of(
        lambda m, x: m.head(m.rnn(x)[0][:, -1]), rnn=nn.GRU(32, 32, batch_first=batch_first), head=nn.Linear(32, 10)
    )


def encoding(batch_first: bool) -> nn.Module:
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=batch_first)
    return Of(lambda m, x: m.head(m.layer(x).mean(1)), layer=layer, head=nn.Linear(32, 10))


def bag(instances: int) -> nn.Module:
    """Attention by a learned score, over the axis of the bag."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = x[:, :instances]
        return m.head((F.softmax(m.score(torch.tanh(m.map(x))), 1) * x).sum(1))

    return Of(forward, map=nn.Linear(32, 16), score=nn.Linear(16, 1), head=nn.Linear(32, 10))


NOT_FED |= {"a bag of one": (lambda: bag(1), "sequence", None)}


def padded() -> nn.Module:
    """A window larger than the map: its branch, which starts at nothing, has more entries than the stream."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = x.unflatten(1, (8, 2, 2))
        for branch in m.branches:
            x = x + branch(F.pad(x, (0, 3, 0, 3)))[:, :, :2, :2]
        return m.head(x.flatten(1))

    branches = nn.ModuleList(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)) for _ in range(2))
    for branch in branches:
        nn.init.zeros_(branch[1].weight)
    return Of(forward, branches=branches, head=nn.Linear(32, 10))


NOT_FED |= {"a branch of nothing on a larger map": (padded, "vector", None)}


class Dropped(nn.Module):
    """A stack of which one block is left out by chance."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(32, 32) for _ in range(12))
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left_out = int(torch.randint(len(self.blocks), ()))
        for i, block in enumerate(self.blocks):
            x = x + 0.1 * F.relu(block(x)) if i != left_out else x
        return self.head(x)


NOT_FED |= {"blocks dropped by chance": (Dropped, "vector", None)}


def routed() -> nn.Module:
    """Llama 4's router: scores that are not chosen are -inf in front of a sigmoid."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        best, chosen = m.router(x).topk(1)
        weights = torch.full((len(x), 4), float("-inf")).scatter(1, chosen, best).sigmoid()
        return sum(w[:, None] * expert(x) for w, expert in zip(weights.unbind(1), m.experts, strict=True))

    return Of(forward, router=nn.Linear(32, 4), experts=nn.ModuleList(nn.Linear(32, 10) for _ in range(4)))


NOT_FED |= {"scores masked in front of a sigmoid": (routed, "vector", None)}
