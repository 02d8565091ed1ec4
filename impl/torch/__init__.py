"""Initialisers, norms and clipping for torch tensors; the names and arguments are those of `varlaw.impl.numpy`."""

from varlaw.impl.fans import LAYOUTS, Fans, fans
from varlaw.impl.norm_gradients import NormGradients
from varlaw.impl.torch.backend import TORCH
from varlaw.impl.torch.clipping import (
    clip_adaptive,
    clip_by_global_norm,
    clip_by_global_norm_,
    clip_by_value,
    clip_by_value_,
    clip_per_parameter,
    clip_per_parameter_,
    global_norm,
)
from varlaw.impl.torch.model import initialise
from varlaw.impl.torch.norms import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from varlaw.impl.torch.rules import Initialised, Rule

uniform = TORCH.uniform
normal = TORCH.normal
truncated_normal = TORCH.truncated_normal
constant = TORCH.constant
zeros = TORCH.zeros

keyed_uniform = TORCH.keyed_uniform
keyed_normal = TORCH.keyed_normal
keyed_truncated_normal = TORCH.keyed_truncated_normal

glorot_uniform = TORCH.glorot_uniform
glorot_normal = TORCH.glorot_normal
he_uniform = TORCH.he_uniform
he_normal = TORCH.he_normal
lecun_uniform = TORCH.lecun_uniform
lecun_normal = TORCH.lecun_normal
variance_scaling = TORCH.variance_scaling
residual_scaled = TORCH.residual_scaled
orthogonal = TORCH.orthogonal

delta_orthogonal = TORCH.delta_orthogonal
sparse = TORCH.sparse
identity = TORCH.identity
dirac = TORCH.dirac
gated_orthogonal = TORCH.gated_orthogonal

siren = TORCH.siren
lora = TORCH.lora
new_embeddings = TORCH.new_embeddings
lstm_bias = TORCH.lstm_bias
chrono_bias = TORCH.chrono_bias
head = TORCH.head

weight_norm = TORCH.weight_norm
weight_norm_backward = TORCH.weight_norm_backward
weight_standardise = TORCH.weight_standardise
weight_standardise_backward = TORCH.weight_standardise_backward

layer_norm_backward = TORCH.layer_norm_backward
rms_norm_backward = TORCH.rms_norm_backward
batch_norm_backward = TORCH.batch_norm_backward
group_norm_backward = TORCH.group_norm_backward
instance_norm_backward = TORCH.instance_norm_backward

__all__ = [
    "LAYOUTS",
    "Fans",
    "Initialised",
    "NormGradients",
    "Rule",
    "batch_norm",
    "batch_norm_backward",
    "chrono_bias",
    "clip_adaptive",
    "clip_by_global_norm",
    "clip_by_global_norm_",
    "clip_by_value",
    "clip_by_value_",
    "clip_per_parameter",
    "clip_per_parameter_",
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
    "initialise",
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
