"""Orthogonal matrices of torch: entries, lines, and what they do to a vector; LAPACK's QR without its correction."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _matrices(t: Any, rows: int, columns: int, n: int, on: dict[str, Any]) -> Any:
    return t.stack([t.nn.init.orthogonal_(t.empty(rows, columns, **on)) for _ in range(n)])


def _haar(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    size = c["size"]
    q = _matrices(t, size, size, n, on)
    return {
        "fourth": q[:, 0, 0].pow(4),
        "same line": (q[:, 0, 0] * q[:, 0, 1]).square(),
        "other line": (q[:, 0, 0] * q[:, 1, 1]).square(),
    }


def _wide(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    rows, columns = c["fan_out"], c["fan_in"]
    q = _matrices(t, rows, columns, n, on)
    y = q @ t.ones(columns, **on)
    return {"norm": y.square().sum(1) / columns, "output": y.square().mean(1)}


def _qr(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    q, _ = t.linalg.qr(t.randn(n, c["size"], c["size"], **on))
    return {"first": q[:, 0, 0]}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.init.orthogonal_(entries)", "haar", _haar),
    experiment("nn.init.orthogonal_(map)", "isometry", _wide),
    experiment("linalg.qr(first entry)", "qr", _qr),
)
