"""tf.nn: normalisation from moments, and the fused batch norm, on inputs of shape (batch, channels, length)."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.defaults import constants_of, with_default
from varlaw.subjects.subject import Case, Floats, Norm
from varlaw.subjects.tensorflow.framework import TENSORFLOW, floats, place, tensor, tf


def _by_moments(name: str, moments: Callable[[Any], tuple[Any, Any]]) -> Norm:
    """`batch_normalization` with statistics from `moments`, over the last axis: a layer norm."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        with place(device):
            t = tensor(x, dtype)
            mean, variance = moments(t)
            y = tf().nn.batch_normalization(t, mean, variance, None, None, case["eps"])
            return {"output": floats(y)}

    return Norm(name=f"tensorflow.nn.batch_normalization({name})", framework=TENSORFLOW, op="layer_norm", apply=apply)


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


def _fused() -> Norm:
    """One training step of the fused kernel, channels last, from running statistics of 0 and 1."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        with place(device):
            t = tensor(np.moveaxis(x, 1, 2)[:, :, None, :], dtype)
            y, mean, variance = _run(t, case)
        output = np.moveaxis(floats(y)[:, :, 0, :], 2, 1)
        return {"output": output, "running_mean": floats(mean), "running_var": floats(variance)}

    row = Norm(
        name="tensorflow.compat.v1.nn.fused_batch_norm", framework=TENSORFLOW, op="batch_norm", apply=apply,
        unsupported=_FUSED,
    )  # fmt: skip
    return with_default(row)


def _run(t: Any, case: Case) -> tuple[Any, Any, Any]:
    channels = t.shape[-1]
    ones, zeros = tf().ones(channels), tf().zeros(channels)
    y, mean, variance = tf().compat.v1.nn.fused_batch_norm(
        t, ones, zeros, mean=zeros, variance=ones, is_training=True,
        **constants_of(case, eps="epsilon", momentum="exponential_avg_factor"),
    )  # fmt: skip
    return y, mean, variance


NORMS: tuple[Norm, ...] = (
    _by_moments("moments", lambda t: tf().nn.moments(t, **_OVER_LAST)),
    _by_moments("weighted_moments", _weighted),
    _by_moments("sufficient_statistics, normalize_moments", _sufficient),
    _fused(),
)
