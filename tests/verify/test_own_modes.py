"""Functions and modules in evaluation mode, clips by norms of any order, and causes that need the right question."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import varlaw
from varlaw import Outcome
from varlaw.claims.claim import Trial
from varlaw.claims.domains import cases_of
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.rows import clipper, dropout, norm

torch = pytest.importorskip("torch")


class Batch(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A batch norm with one mistake, or none."""

    def __init__(self, mistake: str = "") -> None:
        super().__init__()
        self.mistake, self.momentum, self.eps = mistake, 0.1, 1e-5
        self.register_buffer("running_mean", torch.zeros(8))
        self.register_buffer("running_var", torch.ones(8))

    def forward(self, x: Any) -> Any:
        m, v = x.mean((0, 2)), x.var((0, 2), unbiased=False)
        if self.training or self.mistake == "updates":
            n, a = x.numel() / 8, 0.9 if self.mistake == "momentum" else 0.1
            with torch.no_grad():
                self.running_mean.lerp_(m, a)
                self.running_var.lerp_(v * n / (n - 1), a)
        if not self.training and self.mistake != "batch":
            m, v = self.running_mean, self.running_var
        return (x - m[:, None]) / (v[:, None] + self.eps).sqrt()


def rms_in_16_bits(x: Any, eps: float = 1e-6) -> Any:
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt()


def scaled(factor: Callable[[Any, float], float]) -> Any:
    def clip(grads: Any, limit: float) -> Any:
        by = min(1.0, factor(grads, limit))
        return [(g * by).astype(g.dtype) for g in grads]

    return lambda: varlaw.check_clip(clip)


def after_the_step(batches: Any, limit: float) -> Any:
    return [sum(leaf) / len(batches) for leaf in zip(*batches, strict=True)]


def to_zero(x: Any, p: float, seed: int) -> Any:
    kept = np.random.default_rng(seed).random(x.shape) >= p
    q, alpha = 1 - p, -1.7580993408473766
    a = (q + alpha**2 * q * p) ** -0.5
    return np.where(kept, np.float32(a) * x - np.float32(a * alpha * p), 0)


class InTraining(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A layer norm in training alone."""

    def forward(self, x: Any) -> Any:
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() if self.training else x


def flagged(x: Any, p: float, seed: int, deterministic: bool = True) -> Any:
    return x if deterministic else np.where(np.random.default_rng(seed).random(x.shape) >= p, x / np.float32(1 - p), 0)


def forgetful(x: Any, p: float, seed: int, train: bool = False) -> Any:
    return flagged(x, p, seed, deterministic=False)


class Dropping(torch.nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, p: float = 0.3, always: bool = False) -> None:
        super().__init__()
        self.p, self.always = p, always

    def forward(self, x: Any) -> Any:
        return torch.nn.functional.dropout(x, self.p, training=self.always or self.training)


def torch_dropped(x: Any, p: float, seed: int) -> Any:
    torch.manual_seed(seed)
    return torch.nn.functional.dropout(x, p)


def grouped(x: Any, side_by_side: bool = True, eps: float = 1e-5) -> Any:
    n, c, length = x.shape
    shape, axes = ((n, 4, c // 4, length), (2, 3)) if side_by_side else ((n, c // 4, 4, length), (1, 3))
    y = x.reshape(shape)
    return ((y - y.mean(axes, keepdims=True)) / np.sqrt(y.var(axes, keepdims=True) + eps)).reshape(x.shape)


def masked(shape: Callable[[Any], Any], kind: str = "dropout") -> Any:
    def drop(x: Any, p: float, seed: int) -> Any:
        return np.where(np.random.default_rng(seed).random(shape(x.shape)) >= p, x / np.float32(1 - p), 0)

    return lambda: varlaw.check_dropout(drop, 0.3, kind=kind)


def clip_by(order: Callable[[float], float]) -> Any:
    def clip(grads: Any, limit: float, norm_type: float = 2.0) -> Any:
        norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads]).astype(np.float64), order(norm_type))
        return [(g * (limit / norm)).astype(g.dtype) if norm > limit else g for g in grads]

    return clip


def of_order(order: Callable[[float], float]) -> Any:
    return lambda: varlaw.check_clip(clip_by(order), order="norm_type")


def unit(grads: Any, limit: float) -> Any:
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads))
    return [(g / norm * min(norm, limit)).astype(g.dtype) for g in grads]


def cost(smooth: Callable[[Any, int, float], Any], among: Callable[[Any], Any]) -> Any:
    def loss(logits: Any, labels: Any, smoothing: float = 0.0, ignored: int | None = None) -> Any:
        z = logits - logits.max(1, keepdims=True)
        costs = np.log(np.exp(z).sum(1, keepdims=True)) - z
        own = costs[np.arange(len(z)), labels]
        rows = (1 - smoothing) * own + smooth(costs, labels, smoothing) if smoothing else own
        counts = np.ones(len(z), bool) if ignored is None else labels != ignored
        return (rows * counts).sum() / among(counts)

    return lambda: varlaw.check_loss(loss, smoothing="smoothing", ignored="ignored")


def others(costs: Any, labels: Any, e: float) -> Any:
    return e * (costs.sum(1) - costs[np.arange(len(costs)), labels]) / (costs.shape[1] - 1)


FORMS = {"batch": (4, 8, 5)}
ASKED: dict[str, tuple[Any, str]] = {
    "batch norm": (lambda: varlaw.check_norm(Batch(), "batch", shape=FORMS["batch"]), ""),
    "evaluated by the batch": (
        lambda: varlaw.check_norm(Batch("batch"), "batch", shape=FORMS["batch"]),
        "evaluation does not use the running statistics, or changes them",
    ),
    "evaluation that updates": (
        lambda: varlaw.check_norm(Batch("updates"), "batch", shape=FORMS["batch"]),
        "evaluation does not use the running statistics, or changes them",
    ),
    "momentum of the old": (
        lambda: varlaw.check_norm(Batch("momentum"), "batch", shape=FORMS["batch"]),
        "momentum is the weight of the old statistics: that of a new batch is 0.9",
    ),
    "instances": (
        lambda: varlaw.check_norm(
            torch.nn.InstanceNorm1d(8, track_running_stats=True),
            "instance",
            shape=FORMS["batch"],
            unpromised="constant",
        ),
        "",
    ),
    "normalises in training alone": (
        lambda: varlaw.check_norm(InTraining(), "layer"),
        "evaluation differs from training, though no statistics are kept",
    ),
    "a function's flag": (lambda: varlaw.check_dropout(flagged, 0.3), ""),
    "a flag that is forgotten": (
        lambda: varlaw.check_dropout(forgetful, 0.3),
        "evaluation drops or scales, but should change nothing",
    ),
    "groups": (lambda: varlaw.check_norm(grouped, "group", groups=4, shape=(3, 16, 9)), ""),
    "every fourth": (
        lambda: varlaw.check_norm(lambda x: grouped(x, False), "group", groups=4, shape=(3, 16, 9)),
        "every 4-th channel is of one group, not channels side by side",
    ),
    "another eps": (
        lambda: varlaw.check_norm(grouped, "group", groups=4, shape=(3, 16, 9), eps=1e-3),
        "eps is 1e-05, but should be 0.001",
    ),
    "a module": (lambda: varlaw.check_dropout(Dropping(), 0.3), ""),
    "a class": (lambda: varlaw.check_dropout(torch.nn.Dropout1d, 0.3, kind="channel_dropout"), ""),
    "always": (
        lambda: varlaw.check_dropout(Dropping(always=True), 0.3),
        "evaluation drops or scales, but should change nothing",
    ),
    "a function that scales": (
        lambda: varlaw.check_dropout(torch_dropped, 0.3, as_="torch", evaluate=lambda x, p: x * (1 - p)),
        "evaluation drops or scales, but should change nothing",
    ),
    "one mask": (masked(lambda s: s[1:]), "one mask serves all samples"),
    "one by one": (masked(lambda s: s, "drop_path"), "units are dropped one by one, not whole samples"),
    "statistics in 16 bits": (
        lambda: varlaw.check_norm(rms_in_16_bits, "rms", dtype="float16", promises="huge"),
        "statistics are kept in float16: ordinary inputs come out right but for what that rounds",
    ),
    "the largest leaf": (
        scaled(
            lambda g, c: c / max(np.linalg.norm(x.astype(np.float64)) for x in g) if any(x.any() for x in g) else 1.0
        ),
        "the norm is that of the largest leaf, not of all",
    ),
    "a loss scale": (
        scaled(lambda g, c: c / 512 / n if (n := sum((x.astype(np.float64) ** 2).sum() for x in g) ** 0.5) else 1.0),
        "gradients are clipped to 1/512 times the limit, as where a loss scale is not taken off first",
    ),
    "after the step": (
        lambda: varlaw.check_clip(after_the_step, "accumulated"),
        "nothing is clipped, as where the clip comes after the step",
    ),
    "dropped to 0": (
        lambda: varlaw.check_dropout(to_zero, 0.2, kind="alpha_dropout"),
        "what is dropped becomes 0, but should become a alpha' + b = -1.236, alpha' = -1.758",
    ),
    "any order": (of_order(lambda p: p), ""),
    "order ignored": (of_order(lambda p: 2.0), "the norm is not of the order 1, 3, inf that is asked for"),
    "zeros": (lambda: varlaw.check_clip(unit), "gradients that are 0 become NaN, as of 0 times limit/0"),
    "a loss": (cost(lambda c, y, e: e * c.mean(1), np.sum), ""),
    "to the others": (cost(others, np.sum), "what is smoothed goes to the C - 1 other classes, not to all C"),
    "all rows divide": (
        cost(lambda c, y, e: e * c.mean(1), len),
        "rows that do not count are counted in what the sum is divided by",
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_wrong_is_told_and_what_is_right_is_not(name: str) -> None:
    ask, cause = ASKED[name]
    found = ask()
    assert (found.ok, found.cause) == (not cause, cause), str(found)


def test_rows_are_asked_in_evaluation_and_in_every_order() -> None:
    made = [
        norm("mine.bn", Batch("batch"), "batch", shape=(4, 8, 5)),
        dropout("mine.drop", Dropping(always=True), 0.3),
        clipper("mine.clip", clip_by(lambda p: 2.0), order="norm_type"),
    ]
    names = ("norm.evaluated", "dropout.evaluated", "clip.order")
    for row, name in zip(made, names, strict=True):
        (claim,) = (c for c in claims_of(row) if c.name == name)
        cases = cases_of(claim, "float32", "2026-11-22", 1)
        trials = [Trial(case, "float32", "cpu", POLICIES["pr"], Key("s", name, "")) for case in cases]
        assert Outcome.VIOLATES in {claim.judge(trial).outcome for trial in trials}, name


def test_an_order_is_of_the_global_norm() -> None:
    with pytest.raises(ValueError, match="order='p', but should be given for a clip of the global norm, not value"):
        varlaw.check_clip(unit, "value", order="p")


def test_networks_and_shapes_are_asserted_too(law: Any) -> None:
    def run(seed: int, factor: float = 1.0) -> Any:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=48)
        return {"up": (x, rng.normal(0, factor * (2 / 48) ** 0.5, (64, 48)) @ x)}

    def draw(shape: Any, seed: int, power: float = 0.5) -> Any:
        return np.random.default_rng(seed).normal(0, (2 / shape[1]) ** power, shape)

    assert varlaw.assert_network(run, "he_normal").outcome is Outcome.CONFORMS
    with pytest.raises(AssertionError, match="forward through up"):
        varlaw.assert_network(lambda seed: run(seed, 1.2), "he_normal")
    law.network(run, "he_normal")
    law.shapes(draw, "he_normal", [(32, 64), (64, 128)], delta=0.05, beta=1e-3)
    with pytest.raises(pytest.fail.Exception, match="lambda"):
        law.network(lambda seed: run(seed, 1.2), "he_normal")
