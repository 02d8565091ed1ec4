"""tf.nn: dropout in its three forms, and cross-entropy on logits."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.subject import Dropout, Floats, Loss
from varlaw.subjects.tensorflow.framework import TENSORFLOW, floats, place, tensor, tf

Labels = NDArray[np.int64]


def _dropout(name: str, call: Callable[[Any, float, int], Any]) -> Dropout:
    def apply(x: Floats, p: float, dtype: str, device: str, seed: int) -> Floats:
        with place(device):
            tf().random.set_seed(seed)
            return floats(call(tensor(x, dtype), p, seed % 2**31))

    return Dropout(name=f"tensorflow.nn.{name}", framework=TENSORFLOW, op="dropout", apply=apply)


def _general(x: Any, p: float, seed: int) -> Any:
    generator = tf().random.Generator.from_seed(seed)
    return tf().nn.experimental.general_dropout(x, p, uniform_sampler=generator.uniform)


DROPOUTS: tuple[Dropout, ...] = (
    _dropout("dropout", lambda x, p, seed: tf().nn.dropout(x, p)),
    _dropout("experimental.stateless_dropout", lambda x, p, s: tf().nn.experimental.stateless_dropout(x, p, [s, 0])),
    _dropout("experimental.general_dropout", _general),
)


def _loss(name: str, call: Callable[[Any, Labels, int], Any], indices: bool) -> Loss:
    """The functions return a loss for each row; "mean" is `tf.reduce_mean` of them, as their guides show."""

    def apply(logits: Floats, labels: Labels, reduction: str, dtype: str, device: str) -> Floats:
        with place(device):
            losses = call(tensor(logits, dtype), labels, logits.shape[1])
            return floats(tf().reduce_mean(losses) if reduction == "mean" else losses)

    return Loss(name=f"tensorflow.nn.{name}", framework=TENSORFLOW, op="cross_entropy", apply=apply, indices=indices)


def _sparse(logits: Any, labels: Labels, classes: int) -> Any:
    return tf().nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def _dense(logits: Any, labels: Labels, classes: int) -> Any:
    wanted = tf().one_hot(labels, classes, dtype=logits.dtype)
    return tf().nn.softmax_cross_entropy_with_logits(labels=wanted, logits=logits)


LOSSES: tuple[Loss, ...] = (
    _loss("softmax_cross_entropy_with_logits", _dense, indices=False),
    _loss("sparse_softmax_cross_entropy_with_logits", _sparse, indices=True),
)
