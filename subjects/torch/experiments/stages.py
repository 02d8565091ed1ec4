"""ResNet stages by depth, fresh in every run: blocks of one width on a batch of images of one pixel each.

Of one pixel a convolution is its middle tap, so no border is there, and a batch norm sees as many numbers as images.
"""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.subject import Case, Experiment, Framework
from varlaw.subjects.torch.experiments.running import experiment

Block = Callable[[Any], Any]  # (batch, width, 1, 1) -> the same
Build = Callable[[Any, Case, dict[str, Any]], list[Block]]  # (torch, case, {"dtype": ..., "device": ...})


def stages(name: str, op: str, build: Build, framework: Framework) -> Experiment:
    """The row of one library's own blocks, in training mode."""

    def call(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
        runs = []
        for _ in range(n):
            blocks = [_of_one_run(block) for block in build(t, c, on)]
            runs.append(_stream(t, blocks, t.randn(1, c["batch"], c["width"], 1, 1, **on)))
        return {of: t.cat([run[of] for run in runs]) for of in runs[0]}

    return experiment(name, op, call, framework)


def _of_one_run(block: Block) -> Block:
    return lambda h: block(h[0])[None]


def _stream(t: Any, blocks: list[Block], start: Any) -> dict[str, Any]:
    """The stream behind the last block, of runs along the first axis and images along the second; its gradient."""
    h = t.relu(start)
    for block in blocks[:-1]:
        h = block(h)
    h = h.detach().requires_grad_()
    y = blocks[-1](h)
    end = t.randn_like(y)
    (back,) = t.autograd.grad((y * end).sum(), h)
    y, parts = y.detach(), tuple(range(1, y.ndim))
    half = y.shape[1] // 2
    return {
        "mean": y.mean(parts),
        "square": y.square().mean(parts),
        "zeros": (y == 0).to(y.dtype).mean(parts),
        "product": (y[:, :half] * y[:, half : 2 * half]).mean(parts),
        "gradient": back.square().sum(parts) / end.square().sum(parts),
    }


def _own(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """All runs at once, of torch's own batch norm over groups of channels."""
    width = c["width"]

    def normed(h: Any) -> Any:
        """Batch norm of each run's channels: (runs, batch, width)."""
        together = t.nn.functional.batch_norm(h.transpose(0, 1).flatten(1), None, None, training=True, eps=1e-12)
        return together.unflatten(1, (n, width)).transpose(0, 1)

    def block(h: Any) -> Any:
        first, last = t.randn(2, n, width, width, **on) / width**0.5
        return t.relu(h + normed(t.relu(normed(h @ first)) @ last))

    return _stream(t, [block] * c["layers"], t.randn(n, c["batch"], width, **on))


def _walk(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Sums behind ReLUs, of steps that are symmetric and not normal."""
    shape = (n, 32)
    h = {"uniform": t.zeros(shape, **on), "laplace": t.zeros(shape, **on)}
    for _ in range(c["steps"]):
        step = {
            "uniform": 2 * t.rand(shape, **on) - 1,
            "laplace": t.empty(shape, **on).exponential_() - t.empty(shape, **on).exponential_(),
        }
        h = {of: t.relu(x + step[of]) for of, x in h.items()}
    return {of: (x == 0).to(on["dtype"]).mean(1) for of, x in h.items()}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.functional.batch_norm(residual)", "resnet_stream", _own),
    experiment("relu(walk)", "reflected_walk", _walk),
)
