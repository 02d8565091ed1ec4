"""Initialisers, norms and clipping for NumPy arrays; the names and arguments are those of `varlaw.impl.torch`."""

from varlaw.impl.fans import LAYOUTS, Fans, fans
from varlaw.impl.numpy.architectures import chrono_bias, head, lora, lstm_bias, new_embeddings, siren
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
    variance_scaling,
)
from varlaw.impl.numpy.keyed import keyed_normal, keyed_uniform
from varlaw.impl.numpy.norms import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from varlaw.impl.numpy.structured import delta_orthogonal, dirac, gated_orthogonal, identity, sparse

__all__ = [
    "LAYOUTS",
    "Fans",
    "batch_norm",
    "chrono_bias",
    "clip_adaptive",
    "clip_by_global_norm",
    "clip_by_value",
    "clip_per_parameter",
    "constant",
    "delta_orthogonal",
    "dirac",
    "fans",
    "gated_orthogonal",
    "global_norm",
    "glorot_normal",
    "glorot_uniform",
    "group_norm",
    "he_normal",
    "he_uniform",
    "head",
    "identity",
    "instance_norm",
    "keyed_normal",
    "keyed_uniform",
    "layer_norm",
    "lecun_normal",
    "lecun_uniform",
    "lora",
    "lstm_bias",
    "new_embeddings",
    "normal",
    "orthogonal",
    "residual_scaled",
    "rms_norm",
    "siren",
    "sparse",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "zeros",
]
