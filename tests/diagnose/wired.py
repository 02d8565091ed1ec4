"""Mistakes of how a pass is wired, beside their twins: norms that shut the trunk, doubled streams, targets."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.mistakes import Of, attending
from tests.diagnose.models import Language, Pair, changed, dense, he


def gains(*zero: str) -> nn.Module:
    """A language model of whose norms some start at a gain of 0."""
    named = lambda m: [n.weight.zero_() for name, n in m.named_modules() if name.endswith(zero)]  # noqa: E731
    return changed(Language(3), named)


def stream(factor: float, depth: int = 16) -> nn.Module:
    """A residual stream that is multiplied by `factor` in front of each add, through no map of its own."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        for branch in m.branches:
            x = x + branch(x) if factor == 1 else x + (x + branch(x))
        return m.head(F.layer_norm(x, (32,)))

    branches = nn.ModuleList(nn.Sequential(nn.Linear(32, 32), nn.ReLU()) for _ in range(depth))
    return Of(forward, branches=branches, head=nn.Linear(32, 10))


def one_column() -> nn.Module:
    return dense(1, he, classes=1)


def stretched(error: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Any, Any], torch.Tensor]:
    """A regression whose target has no second axis."""
    return lambda m, x: error(m(x), x[:, 0])


def matched(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """One axis too few in the prediction and in the target, and every pair beside it, on purpose."""
    y = model(x)
    pairs = F.l1_loss(y.unsqueeze(1).expand(-1, len(y), -1), y.detach()[None].expand(len(y), -1, -1), reduction="none")
    return F.mse_loss(y, x[:, :1]) + F.mse_loss(y.squeeze(-1), x.new_tensor(1.0).expand(len(y))) + pairs.mean()


def passed_over(name: str) -> nn.Module:
    """One line for all maps, a second one that scales those which end a branch, and maps that went back to default."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        for block in m.blocks:
            h = F.layer_norm(x, (32,))
            x = x + block["last"](F.gelu(block["up"](h) + block["side"](h)) * block["value"](h))
        return m.head(x)

    names = ("up", "side", "value", "last")
    blocks = nn.ModuleList(nn.ModuleDict({n: nn.Linear(32, 32) for n in names}) for _ in range(4))
    model = Of(forward, blocks=blocks, head=nn.Linear(32, 10))
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.05)
    for block in blocks:
        nn.init.normal_(block["last"].weight, std=0.05 / 2)
        if name:
            block[name].reset_parameters()
    return model


def contrasted(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """SimCLR: two views of a row belong together, and a row is never held against itself."""
    z = F.normalize(torch.cat([model(x), model(x + 0.1)]), dim=-1)
    n = len(x)
    scores = z @ z.T / 0.5 - 1e9 * torch.eye(2 * n)
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))


def turned(gain: float) -> nn.Module:
    return changed(nn.GRU(32, 16, batch_first=True), lambda m: nn.init.orthogonal_(m.weight_hh_l0, gain))


def sequence(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model(x)[0].square().mean()


def squared(y: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return ((y - target) ** 2).mean()


def by_hand(gain: float) -> nn.Module:
    """An RMS norm in plain operations in front of the head."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = m.first(x)
        return m.head(m.gain * h * torch.rsqrt(h.square().mean(-1, keepdim=True) + 1e-6))

    return Of(forward, first=nn.Linear(32, 32), gain=nn.Parameter(torch.full((32,), gain)), head=nn.Linear(32, 10))


def prior(narrow: bool) -> nn.Module:
    """A map beside a frozen one: of low rank, as an adapter is, or whole, as beside a random prior."""
    base = nn.Linear(32, 32).requires_grad_(False)
    branch = nn.Sequential(nn.Linear(32, 4, bias=False), nn.Linear(4, 32, bias=False)) if narrow else nn.Linear(32, 32)
    return Of(lambda m, x: m.head(F.relu(m.base(x) + m.branch(x))), base=base, branch=branch, head=nn.Linear(32, 10))


def halved(factor: float) -> nn.Module:
    """A stream that is multiplied by a number in front of each add."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        x = m.first(x)
        for branch in m.branches:
            x = factor * x + 1e-6 * branch(x)
        return m.head(x)

    branches = nn.ModuleList(nn.Sequential(nn.Linear(32, 32), nn.Tanh()) for _ in range(30))
    return Of(forward, first=nn.Linear(32, 32), branches=branches, head=nn.Linear(32, 10))


def shortened(model: nn.Module) -> nn.Module:
    """The model on the first token of each row."""
    return Of(lambda m, x: m.model(x[:, :1]), model=model)


def one_probability() -> nn.Module:
    """A softmax over the one logit of a binary classifier: 1 whatever it says."""
    return nn.Sequential(dense(1, he, classes=1), nn.Softmax(-1))


def binary(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy(model(x).clamp(0.01, 0.99), (x[:, :1] > 0).float())


WIRED = (
    Pair("softmax of one logit", one_probability, lambda: nn.Sequential(one_column(), nn.Sigmoid()), "gradient.zero",
         "0.0.weight", loss=binary, healthy_loss=binary),
    Pair("gain of a norm by hand zero", lambda: by_hand(0.0), lambda: by_hand(1.0), "signal.collapse", "gain"),
    Pair("adapter drawn", lambda: prior(True), lambda: prior(False), "adapter.active", "branch.1.weight"),
    Pair("stream halved again and again", lambda: halved(0.5), lambda: halved(1.0), "signal.shrinks", ""),
    Pair("gains of every norm zero", lambda: gains("norm1", "norm2", "norm"), lambda: gains("norm1", "norm2"),
         "signal.collapse", "norm.weight", "tokens"),
    Pair("stream added twice", lambda: stream(2), lambda: stream(1), "signal.grows", ""),
    Pair("target without its axis", one_column, one_column, "structure.broadcast", "2",
         loss=stretched(F.mse_loss), healthy_loss=matched),
    Pair("error by hand without an axis", one_column, one_column, "structure.broadcast", "2",
         loss=stretched(squared), healthy_loss=lambda m, x: squared(m(x), x[:, :1])),
    Pair("maps back to their default", lambda: passed_over("value"), lambda: passed_over(""), "init.unset",
         "blocks.1.value"),
    Pair("gain of an orthogonal map", lambda: turned(1.1), lambda: turned(1.0), "init.law", "weight_hh", "sequence",
         expect={"weight_hh_l0": "orthogonal"}, loss=sequence, healthy_loss=sequence),
)  # fmt: skip
APART: dict[str, tuple[Callable[[], nn.Module], str, Any]] = {
    "one key": (lambda: shortened(attending(128**-0.5)), "sequence", None),
    "two views of a row": (lambda: dense(2, he), "vector", contrasted),
}
