"""Initialisers, norms and clipping for NumPy arrays; the names and arguments are those of `varlaw.impl.torch`."""

from varlaw.impl.fans import LAYOUTS, Fans, fans
from varlaw.impl.numpy.clipping import (
    clip_adaptive,
    clip_by_global_norm,
    clip_by_value,
    clip_per_parameter,
    global_norm,
)
from varlaw.impl.numpy.draws import constant, normal, truncated_normal, uniform, zeros
from varlaw.impl.numpy.initialisers import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    orthogonal,
    residual_scaled,
)
from varlaw.impl.numpy.norms import batch_norm, group_norm, instance_norm, layer_norm, rms_norm

__all__ = [
    "LAYOUTS",
    "Fans",
    "batch_norm",
    "clip_adaptive",
    "clip_by_global_norm",
    "clip_by_value",
    "clip_per_parameter",
    "constant",
    "fans",
    "global_norm",
    "glorot_normal",
    "glorot_uniform",
    "group_norm",
    "he_normal",
    "he_uniform",
    "instance_norm",
    "layer_norm",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "orthogonal",
    "residual_scaled",
    "rms_norm",
    "truncated_normal",
    "uniform",
    "zeros",
]
