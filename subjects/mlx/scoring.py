"""The losses of real numbers of mlx.nn.losses."""

from typing import Any

from varlaw.subjects import scoring
from varlaw.subjects.arguments import fixed
from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.subject import Experiment


def _losses() -> Any:
    import mlx.nn

    return mlx.nn.losses


_EACH: dict[str, Any] = {"reduction": "none"}

SCORES: tuple[Experiment, ...] = (
    scoring.binary(
        MLX, "nn.losses.binary_cross_entropy", lambda z, y, w: _losses().binary_cross_entropy(z, y, **_EACH),
        cases=fixed(weight=1.0), unsupported={"float64": "mx.logaddexp computes in float32"},
    ),
    scoring.divergence(MLX, "nn.losses.kl_div_loss", lambda q, p: _losses().kl_div_loss(q, _log(p), **_EACH)),
    scoring.distance(
        MLX, "nn.losses.huber_loss", "loss_huber", lambda x, t, d: _losses().huber_loss(x, t, delta=d, **_EACH)
    ),
    scoring.distance(
        MLX, "nn.losses.smooth_l1_loss", "loss_smooth",
        lambda x, t, b: _losses().smooth_l1_loss(x, t, beta=b, **_EACH),
    ),
    scoring.gaussian(
        MLX, "nn.losses.gaussian_nll_loss",
        lambda x, t, v, whole: _losses().gaussian_nll_loss(x, t, v, full=whole, **_EACH),
    ),
    scoring.cosine(
        MLX, "nn.losses.cosine_similarity_loss", lambda x, y: _losses().cosine_similarity_loss(x, y, **_EACH)
    ),
)  # fmt: skip


def _log(p: Any) -> Any:
    import mlx.core

    return mlx.core.log(p)
