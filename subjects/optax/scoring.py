"""optax's losses of real numbers."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import scoring
from varlaw.subjects.arguments import fixed
from varlaw.subjects.optax.framework import OPTAX
from varlaw.subjects.subject import Experiment


def _losses() -> Any:
    import optax

    return optax.losses


def _vjp(function: Callable[[Any], Any], x: Any, dy: Any) -> Any:
    import jax

    return jax.vjp(function, x)[1](dy)[0]


SCORES: tuple[Experiment, ...] = (
    scoring.binary(
        OPTAX, "sigmoid_binary_cross_entropy", lambda z, y, w: _losses().sigmoid_binary_cross_entropy(z, y), _vjp,
        cases=fixed(weight=1.0),
    ),
    scoring.divergence(OPTAX, "kl_divergence", lambda q, p: _losses().kl_divergence(q, p)),
    scoring.distance(OPTAX, "huber_loss", "loss_huber", lambda x, t, d: _losses().huber_loss(x, t, delta=d)),
    scoring.cosine(OPTAX, "cosine_similarity", lambda x, y: _losses().cosine_similarity(x, y)),
)  # fmt: skip
