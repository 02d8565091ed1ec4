"""tf.nn: normalisation from moments, and the fused batch norm, on inputs of shape (batch, channels, length)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from varlaw.subjects.defaults import constants_of
from varlaw.subjects.norm_rows import norm
from varlaw.subjects.subject import Case, Norm
from varlaw.subjects.tensorflow.framework import TENSORFLOW, tf


def _by_moments(name: str, moments: Callable[[Any], tuple[Any, Any]]) -> Norm:
    """`batch_normalization` with statistics from `moments`, over the last axis: a layer norm. It has no default eps."""

    def call(x: Any, case: Case) -> Any:
        return tf().nn.batch_normalization(x, *moments(x), None, None, case["eps"])

    return replace(norm(TENSORFLOW, f"tensorflow.nn.batch_normalization({name})", "layer_norm", call), default=None)


_OVER_LAST: dict[str, Any] = {"axes": [-1], "keepdims": True}


def _weighted(t: Any) -> tuple[Any, Any]:
    """With a weight of one for each number."""
    mean, variance = tf().nn.weighted_moments(t, frequency_weights=tf().ones_like(t), **_OVER_LAST)
    return mean, variance


def _sufficient(t: Any) -> tuple[Any, Any]:
    """From the sums that `sufficient_statistics` takes in one pass, without a shift."""
    count, total, squares, shift = tf().nn.sufficient_statistics(t, **_OVER_LAST)
    mean, variance = tf().nn.normalize_moments(count, total, squares, shift)
    return mean, variance


_FUSED = {"float64": "FusedBatchNormV3 takes float32, bfloat16 and float16 only"}


def _fused(x: Any, case: Case) -> tuple[Any, Any, Any]:
    """One training step of the fused kernel from running statistics of 0 and 1."""
    ones, zeros = tf().ones(x.shape[-1]), tf().zeros(x.shape[-1])
    y, mean, variance = tf().compat.v1.nn.fused_batch_norm(
        x, ones, zeros, mean=zeros, variance=ones, is_training=True,
        **constants_of(case, eps="epsilon", momentum="exponential_avg_factor"),
    )  # fmt: skip
    return y, mean, variance


NORMS: tuple[Norm, ...] = (
    _by_moments("moments", lambda t: tf().nn.moments(t, **_OVER_LAST)),
    _by_moments("weighted_moments", _weighted),
    _by_moments("sufficient_statistics, normalize_moments", _sufficient),
    norm(
        TENSORFLOW, "tensorflow.compat.v1.nn.fused_batch_norm", "batch_norm", _fused,
        dims=2, channels_last=True, unsupported=_FUSED,
    ),
)  # fmt: skip
