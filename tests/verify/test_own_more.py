"""Running statistics, gradients and weights of norms; adaptive clips and accumulated ones; networks of named maps."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from varlaw import Normal, Outcome, SamplerError, check_clip, check_loss, check_network, check_norm
from varlaw.claims.claim import Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.rows import clipper, loss, norm

# -- norms -------------------------------------------------------------------------------------------------------------


def batch_norm(x: Any, eps: float = 1e-5, momentum: float = 0.1, ddof: int = 1, weight: float = 1.0) -> Any:
    mean, variance = x.mean((0, 2)), x.var((0, 2))
    n = x.shape[0] * x.shape[2]
    running = 1 - momentum + momentum * variance * (n / max(n - ddof, 1))
    return (x - mean[:, None]) / np.sqrt(variance[:, None] + eps), weight * momentum * mean, running


def test_running_statistics_are_asked_where_they_are_kept() -> None:
    right = check_norm(batch_norm, "batch", library="numpy")
    assert right.ok, str(right)
    assert {"norm.running_mean", "norm.running_var"} <= {v.claim for v in right}
    biased = check_norm(lambda x: batch_norm(x, ddof=0), "batch", library="numpy", eps=1e-5)
    assert biased.cause.startswith("the running variance is not the unbiased one")
    assert check_norm(lambda x: batch_norm(x, ddof=0), "batch", library="numpy", eps=1e-5, bessel=False).ok
    slow = check_norm(lambda x: batch_norm(x, weight=0.9), "batch", library="numpy", eps=1e-5, momentum=0.1)
    assert slow.cause.startswith("the running mean is not")


def test_a_module_takes_its_step_as_a_copy() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.BatchNorm2d(8)
    found = check_norm(module, "batch", shape=(4, 8, 5, 5), gradient=True)
    assert found.ok, str(found)
    assert "norm.running_unbiased" in {v.claim for v in found}
    assert not module.running_mean.any()


def test_weights_are_standardised_over_all_but_the_outputs() -> None:
    def standardised(w: Any, ddof: int = 0, eps: float = 1e-5) -> Any:
        axes = (1, 2, 3)
        return (w - w.mean(axes, keepdims=True)) / np.sqrt(w.var(axes, keepdims=True, ddof=ddof) + eps)

    assert check_norm(standardised, "weight").ok
    bessel = check_norm(lambda w: standardised(w, ddof=1), "weight", eps=1e-5)
    assert bessel.cause == "weight norm off by exactly 71/72 in sets of 72: the variance has n - 1"


def layer_norm(x: Any, eps: float = 1e-6) -> Any:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def backward(x: Any, dy: Any, eps: float = 1e-6) -> Any:
    c = x - x.mean(-1, keepdims=True)
    sigma = np.sqrt((c**2).mean(-1, keepdims=True) + eps)
    y = c / sigma
    return (dy - dy.mean(-1, keepdims=True) - y * (y * dy).mean(-1, keepdims=True)) / sigma


def test_gradients_of_numpy_are_given() -> None:
    assert check_norm(layer_norm, "layer", gradient=backward).ok
    wrong: Callable[[Any, Any], Any] = lambda x, dy: backward(x, dy) + dy.mean(-1, keepdims=True)  # noqa: E731
    found = check_norm(layer_norm, "layer", gradient=wrong)
    assert [v.claim for v in found.faults] == ["norm.gradient"]


def test_a_detached_statistic_shows_in_the_gradient_alone() -> None:
    torch = pytest.importorskip("torch")

    def norm(x: Any, eps: float = 1e-6, detached: bool = False) -> Any:
        c = x - x.mean(-1, keepdim=True)
        sigma = (c.pow(2).mean(-1, keepdim=True) + eps).sqrt()
        return c / (sigma.detach() if detached else sigma)

    assert check_norm(norm, "layer", gradient=True).ok
    found = check_norm(lambda x: norm(x, detached=True), "layer", gradient=True, eps=1e-6)
    assert "is a statistic detached" in found.cause
    assert check_norm(lambda x: torch.nn.functional.rms_norm(x, x.shape[-1:], eps=1e-6), "rms", gradient=True).ok


# -- clips -------------------------------------------------------------------------------------------------------------


def clip(grads: Any, limit: float) -> Any:
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads))
    return [g * (limit / norm) if norm > limit else g for g in grads]


def mean_then_clip(batches: Any, limit: float) -> Any:
    return clip([sum(leaf) / len(batches) for leaf in zip(*batches, strict=True)], limit)


def sum_then_clip(batches: Any, limit: float) -> Any:
    return clip([sum(leaf) for leaf in zip(*batches, strict=True)], limit)


def clip_then_mean(batches: Any, limit: float) -> Any:
    return [sum(leaf) / len(batches) for leaf in zip(*(clip(b, limit) for b in batches), strict=True)]


def test_accumulated_gradients_are_clipped_once() -> None:
    assert check_clip(mean_then_clip, "accumulated").ok
    assert check_clip(sum_then_clip, "accumulated", reduction="sum").ok
    assert check_clip(clip_then_mean, "accumulated").cause.startswith("each batch is clipped by itself")
    assert check_clip(sum_then_clip, "accumulated").cause == "the batches are added, and not averaged"
    assert clipper("mine.clip", mean_then_clip, "accumulated").name == "mine.clip"


def adaptive(weights: Any, grads: Any, limit: float, eps: float = 1e-3, units: bool = True) -> Any:
    clipped = []
    for w, g in zip(weights, grads, strict=True):
        axes = (tuple(range(1, w.ndim)) or (0,)) if units else tuple(range(w.ndim))
        of = [np.sqrt((x.astype(np.float64) ** 2).sum(axis=axes, keepdims=True)) for x in (w, g)]
        most = limit * np.maximum(of[0], eps)
        clipped.append((g * np.where(of[1] > most, most / of[1], 1)).astype(g.dtype))
    return clipped


def test_an_adaptive_clip_goes_by_units_and_their_weights() -> None:
    assert check_clip(adaptive, "adaptive").ok
    whole = check_clip(lambda w, g, c: adaptive(w, g, c, units=False), "adaptive")
    assert whole.cause == "a whole tensor is one unit, not each row"
    small = check_clip(lambda w, g, c: adaptive(w, g, c, eps=0), "adaptive")
    assert small.cause == "eps is missing: small weights let nothing through"
    assert not check_clip(lambda w, g, c: adaptive(w, g, 2 * c), "adaptive").ok
    with pytest.raises(SamplerError, match="should return 3 gradients"):
        check_clip(lambda w, g, c: g[:1], "adaptive")
    row = clipper("mine.agc", functools.partial(adaptive, eps=1e-2), "adaptive", eps=1e-2)
    (claim,) = claims_of(row)
    assert row.cases is not None
    cases = row.cases(claim.name, CASES[claim.op].enumerate(Key("", "cases", ""), 1), "float32")
    trials = [Trial(case, "float32", "cpu", POLICIES["pr"], Key("", "agc", "")) for case in cases]
    assert {claim.judge(trial).outcome for trial in trials} == {Outcome.CONFORMS}


# -- losses ------------------------------------------------------------------------------------------------------------


def test_the_options_of_a_loss_are_asked_by_their_names() -> None:
    torch = pytest.importorskip("torch")

    def loss(z: Any, y: Any, label_smoothing: float = 0.0, ignore_index: int = -100, all_rows: bool = False) -> Any:
        options = {"label_smoothing": label_smoothing, "ignore_index": ignore_index}
        if all_rows:
            return torch.nn.functional.cross_entropy(z, y, reduction="sum", **options) / len(y)
        return torch.nn.functional.cross_entropy(z, y, **options)

    names = {"smoothing": "label_smoothing", "ignored": "ignore_index", "library": "torch"}
    assert check_loss(loss, **names).ok
    wrong = check_loss(lambda z, y, **more: loss(z, y, all_rows=True, **more), **names)
    assert {v.claim for v in wrong.faults} == {"loss.ignored", "loss.smoothing_ignored"}


# -- rows --------------------------------------------------------------------------------------------------------------


def test_rows_of_norms_and_losses_are_asked_the_same() -> None:
    row = norm("mine.batch", batch_norm, "batch", library="numpy")
    assert row.cases is not None
    assert row.cases("norm.running_var", [{"channels": 4, "batch": 2, "length": 8, "std": 1.0}], "float32")
    biased = norm("mine.biased", batch_norm, "batch", library="numpy", bessel=False)
    assert biased.running_variance == "biased"
    assert loss("mine.loss", lambda z, y: z, smoothing="label_smoothing").adjusts == ("smoothing",)


# -- networks ----------------------------------------------------------------------------------------------------------


def network(seed: int, off: float = 1.0) -> Any:
    rng = np.random.default_rng(seed)
    h, maps = rng.normal(size=64), {}
    for i in range(6):
        y = rng.normal(0, (2 / 64) ** 0.5 * (off if i == 3 else 1), (64, 64)) @ h
        maps[f"blocks.{i}.up"] = h, y
        h = np.maximum(y, 0)
    maps["head"] = h, rng.normal(0, 0.02, (10, 64)) @ h
    return maps


def test_maps_have_names_and_laws_of_their_own() -> None:
    laws = {"blocks.*": "he_normal(fan_in)", "head": Normal(0.02)}
    assert check_network(network, laws, name="right").state == "conforms"
    wrong = check_network(lambda seed: network(seed, 1.3), laws, name="wrong")
    assert wrong.state == "VIOLATES"
    assert "forward through blocks.3.up: std x1.2" in wrong.detail
    with pytest.raises(SamplerError, match="has a map 'head' without a law"):
        check_network(network, {"blocks.*": "he_normal(fan_in)"})
    with pytest.raises(SamplerError, match="should be Normal"):
        check_network(network, "he_uniform(fan_in)")
