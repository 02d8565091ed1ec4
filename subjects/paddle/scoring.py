"""The losses of real numbers of paddle.nn.functional."""

from typing import Any

from varlaw.subjects import scoring
from varlaw.subjects.arguments import fixed
from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, nn
from varlaw.subjects.subject import Experiment


def _f() -> Any:
    return nn().functional


_EACH: dict[str, Any] = {"reduction": "none"}

SCORES: tuple[Experiment, ...] = (
    scoring.binary(
        PADDLE, "nn.functional.binary_cross_entropy_with_logits",
        lambda z, y, w: _f().binary_cross_entropy_with_logits(z, y, **_EACH),
        cases=fixed(weight=1.0), unsupported=NO_HALF_KERNEL,
    ),
    *(make(PADDLE, f"nn.functional.{name}", *rest, unsupported=NO_HALF_KERNEL)
    for make, name, *rest in (
        (
            scoring.binary, "binary_cross_entropy_with_logits(pos_weight)",
            lambda z, y, w: _f().binary_cross_entropy_with_logits(z, y, pos_weight=w[0], **_EACH),
        ),
        (scoring.divergence, "kl_div", lambda q, p: _f().kl_div(q, p, **_EACH).sum(-1)),
        (
            scoring.divergence, "kl_div(log_target)",
            lambda q, p: _f().kl_div(q, p.log(), log_target=True, **_EACH).sum(-1),
        ),
        (
            scoring.distance, "smooth_l1_loss", "loss_huber",
            lambda x, t, d: _f().smooth_l1_loss(x, t, delta=d, **_EACH),
        ),
        (
            scoring.gaussian, "gaussian_nll_loss",
            lambda x, t, v, whole: _f().gaussian_nll_loss(x, t, v, full=whole, **_EACH),
        ),
        (
            scoring.poisson, "poisson_nll_loss",
            lambda z, k, whole: _f().poisson_nll_loss(z, k, full=whole, **_EACH),
        ),
        (scoring.cosine, "cosine_similarity", lambda x, y: _f().cosine_similarity(x, y)),
    )),
)  # fmt: skip
