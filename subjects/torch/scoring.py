"""torch's losses of real numbers: functions of torch.nn.functional, entry by entry."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import scoring
from varlaw.subjects.arguments import fixed
from varlaw.subjects.subject import Experiment
from varlaw.subjects.torch.framework import TORCH


def _f() -> Any:
    import torch

    return torch.nn.functional


_EACH: dict[str, Any] = {"reduction": "none"}


def _by_rows(how: str) -> Callable[[Any, Any], Any]:
    """Each row is a batch of its own."""

    def call(q: Any, p: Any) -> Any:
        import torch

        return torch.stack([_f().kl_div(q[i : i + 1], p[i : i + 1], reduction=how) for i in range(len(q))])

    return call


def _binary(q: Any, p: Any) -> Any:
    """Of probabilities, less the entropy of the targets."""
    import torch

    return _f().binary_cross_entropy(q[:, 0].exp(), p[:, 0], **_EACH) + torch.special.xlogy(p, p).sum(-1)


SCORES: tuple[Experiment, ...] = (
    scoring.binary(
        TORCH, "nn.functional.binary_cross_entropy_with_logits(pos_weight)",
        lambda z, y, w: _f().binary_cross_entropy_with_logits(z, y, pos_weight=w[0], **_EACH),
    ),
    scoring.binary(
        TORCH, "nn.functional.binary_cross_entropy_with_logits",
        lambda z, y, w: _f().binary_cross_entropy_with_logits(z, y, **_EACH), cases=fixed(weight=1.0),
    ),
    scoring.divergence(TORCH, "nn.functional.kl_div", lambda q, p: _f().kl_div(q, p, **_EACH).sum(-1)),
    scoring.divergence(
        TORCH, "nn.functional.kl_div(log_target)",
        lambda q, p: _f().kl_div(q, p.log(), log_target=True, **_EACH).sum(-1),
    ),
    *(
        scoring.divergence(TORCH, f"nn.functional.kl_div({how})", _by_rows(how))
        for how in ("mean", "batchmean")
    ),
    scoring.divergence(TORCH, "nn.functional.binary_cross_entropy", _binary),
    scoring.divergence(
        TORCH, "nn.functional.binary_cross_entropy(1e-50)", _binary, cases=fixed(first=1e-50), dtypes=("float64",)
    ),
    scoring.distance(
        TORCH, "nn.functional.pairwise_distance", "loss_smooth",
        lambda x, t, b: _f().pairwise_distance(x, t), cases=fixed(beta=0.0),
    ),
    scoring.distance(
        TORCH, "nn.functional.huber_loss", "loss_huber", lambda x, t, d: _f().huber_loss(x, t, delta=d, **_EACH)
    ),
    scoring.distance(
        TORCH, "nn.functional.smooth_l1_loss", "loss_smooth",
        lambda x, t, b: _f().smooth_l1_loss(x, t, beta=b, **_EACH),
    ),
    scoring.gaussian(
        TORCH, "nn.functional.gaussian_nll_loss",
        lambda x, t, v, whole: _f().gaussian_nll_loss(x, t, v, full=whole, **_EACH),
    ),
    scoring.poisson(
        TORCH, "nn.functional.poisson_nll_loss",
        lambda z, k, whole: _f().poisson_nll_loss(z, k, full=whole, **_EACH),
    ),
    scoring.cosine(TORCH, "nn.functional.cosine_similarity", lambda x, y: _f().cosine_similarity(x, y)),
)  # fmt: skip
