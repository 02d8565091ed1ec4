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
from varlaw.impl.numpy.keyed import keyed_normal, keyed_truncated_normal, keyed_uniform
from varlaw.impl.numpy.norm_gradients import (
    NormGradients,
    batch_norm_backward,
    group_norm_backward,
    instance_norm_backward,
    layer_norm_backward,
    rms_norm_backward,
)
from varlaw.impl.numpy.norms import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from varlaw.impl.numpy.structured import delta_orthogonal, dirac, gated_orthogonal, identity, sparse
from varlaw.impl.numpy.weights import weight_norm, weight_norm_backward, weight_standardise, weight_standardise_backward

__all__ = [
    "LAYOUTS",
    "Fans",
    "NormGradients",
    "batch_norm",
    "batch_norm_backward",
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
    "group_norm_backward",
    "he_normal",
    "he_uniform",
    "head",
    "identity",
    "instance_norm",
    "instance_norm_backward",
    "keyed_normal",
    "keyed_truncated_normal",
    "keyed_uniform",
    "layer_norm",
    "layer_norm_backward",
    "lecun_normal",
    "lecun_uniform",
    "lora",
    "lstm_bias",
    "new_embeddings",
    "normal",
    "orthogonal",
    "residual_scaled",
    "rms_norm",
    "rms_norm_backward",
    "siren",
    "sparse",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "weight_norm",
    "weight_norm_backward",
    "weight_standardise",
    "weight_standardise_backward",
    "zeros",
]
