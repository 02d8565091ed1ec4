"""tf.nn: dropout in its three forms, and cross-entropy on logits."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.rows import Drop, dropout, loss
from varlaw.subjects.subject import Dropout, Loss
from varlaw.subjects.tensorflow.framework import TENSORFLOW, tf


def _dropout(name: str, drop: Drop) -> Dropout:
    return dropout(TENSORFLOW, f"tensorflow.nn.{name}", "dropout", drop)


def _general(x: Any, p: float, seed: int) -> Any:
    generator = tf().random.Generator.from_seed(seed)
    return tf().nn.experimental.general_dropout(x, p, uniform_sampler=generator.uniform)


def _shaped(name: str, call: Callable[..., Any]) -> tuple[Dropout, ...]:
    """`call(x, p, seed, noise_shape)`: one entry of the mask for the last axis, and for the last two."""

    def of(kept: int, op: str) -> Dropout:
        def drop(x: Any, p: float, seed: int) -> Any:
            return call(x, p, seed, [*x.shape[:kept], *[1] * (3 - kept)])

        return dropout(TENSORFLOW, f"tensorflow.nn.{name}(noise_shape={kept})", op, drop)

    return of(2, "channel_dropout"), of(1, "drop_path")


DROPOUTS: tuple[Dropout, ...] = (
    *_shaped("dropout", lambda x, p, seed, shape: tf().nn.dropout(x, p, noise_shape=shape)),
    *_shaped(
        "experimental.stateless_dropout",
        lambda x, p, s, shape: tf().nn.experimental.stateless_dropout(x, p, [s, 0], noise_shape=shape),
    ),
    _dropout("dropout", lambda x, p, seed: tf().nn.dropout(x, p)),
    _dropout("experimental.stateless_dropout", lambda x, p, s: tf().nn.experimental.stateless_dropout(x, p, [s, 0])),
    _dropout("experimental.general_dropout", _general),
)


def _loss(name: str, losses: Callable[[Any, Any], Any], *, indices: bool) -> Loss:
    """The functions return a loss for each row; "mean" is `tf.reduce_mean` of them, as their guides show."""

    def call(logits: Any, labels: Any, reduction: str) -> Any:
        found = losses(logits, labels)
        return tf().reduce_mean(found) if reduction == "mean" else found

    return loss(TENSORFLOW, f"tensorflow.nn.{name}", call, indices=indices)


def _sparse(logits: Any, labels: Any) -> Any:
    return tf().nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def _dense(logits: Any, labels: Any) -> Any:
    wanted = tf().one_hot(labels, logits.shape[1], dtype=logits.dtype)
    return tf().nn.softmax_cross_entropy_with_logits(labels=wanted, logits=logits)


LOSSES: tuple[Loss, ...] = (
    _loss("softmax_cross_entropy_with_logits", _dense, indices=False),
    _loss("sparse_softmax_cross_entropy_with_logits", _sparse, indices=True),
)
