"""Initialisers, norms and clipping for NumPy arrays; the names and arguments are those of `varlaw.impl.torch`."""

from varlaw.impl.fans import LAYOUTS, Fans, fans
from varlaw.impl.norm_gradients import NormGradients
from varlaw.impl.numpy.backend import NUMPY
from varlaw.impl.numpy.clipping import (
    clip_adaptive,
    clip_by_global_norm,
    clip_by_value,
    clip_per_parameter,
    global_norm,
)
from varlaw.impl.numpy.norms import batch_norm, group_norm, instance_norm, layer_norm, rms_norm

uniform = NUMPY.uniform
normal = NUMPY.normal
truncated_normal = NUMPY.truncated_normal
constant = NUMPY.constant
zeros = NUMPY.zeros

keyed_uniform = NUMPY.keyed_uniform
keyed_normal = NUMPY.keyed_normal
keyed_truncated_normal = NUMPY.keyed_truncated_normal

glorot_uniform = NUMPY.glorot_uniform
glorot_normal = NUMPY.glorot_normal
he_uniform = NUMPY.he_uniform
he_normal = NUMPY.he_normal
lecun_uniform = NUMPY.lecun_uniform
lecun_normal = NUMPY.lecun_normal
variance_scaling = NUMPY.variance_scaling
residual_scaled = NUMPY.residual_scaled
orthogonal = NUMPY.orthogonal

delta_orthogonal = NUMPY.delta_orthogonal
sparse = NUMPY.sparse
identity = NUMPY.identity
dirac = NUMPY.dirac
gated_orthogonal = NUMPY.gated_orthogonal

siren = NUMPY.siren
lora = NUMPY.lora
new_embeddings = NUMPY.new_embeddings
lstm_bias = NUMPY.lstm_bias
chrono_bias = NUMPY.chrono_bias
head = NUMPY.head

weight_norm = NUMPY.weight_norm
weight_norm_backward = NUMPY.weight_norm_backward
weight_standardise = NUMPY.weight_standardise
weight_standardise_backward = NUMPY.weight_standardise_backward

layer_norm_backward = NUMPY.layer_norm_backward
rms_norm_backward = NUMPY.rms_norm_backward
batch_norm_backward = NUMPY.batch_norm_backward
group_norm_backward = NUMPY.group_norm_backward
instance_norm_backward = NUMPY.instance_norm_backward

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
