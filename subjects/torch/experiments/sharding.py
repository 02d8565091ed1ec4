"""Layers split over ranks whose random streams are one: what the sum of equal shards and a local fan do."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _split(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    shards, size, rho = c["shards"], 8, c["correlation"]
    common = t.randn(n, 1, size, **on)
    x = rho**0.5 * common + (1 - rho) ** 0.5 * t.randn(n, shards, size, **on)
    w = t.randn(n, 8, size, **on) / (shards * size) ** 0.5
    y = sum(t.bmm(w, x[:, k, :, None]) for k in range(shards))
    local = t.stack([t.nn.init.kaiming_normal_(t.empty(4, size, **on), nonlinearity="linear") for _ in range(n // 4)])
    return {
        "summed": y.square().mean((1, 2)),
        "local": local.square().flatten()[:n] * shards * size,
    }


EXPERIMENTS: tuple[Experiment, ...] = (experiment("nn.init.kaiming_normal_(shard)", "split_layer", _split),)
