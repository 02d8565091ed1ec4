"""Initialisers, norms and clipping for torch tensors; the names and arguments are those of `varlaw.impl.numpy`."""

from varlaw.impl.fans import LAYOUTS, Fans, fans
from varlaw.impl.torch.architectures import chrono_bias, head, lora, lstm_bias, new_embeddings, siren
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
from varlaw.impl.torch.draws import constant, normal, truncated_normal, uniform, zeros
from varlaw.impl.torch.initialisers import (
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
from varlaw.impl.torch.keyed import keyed_normal, keyed_truncated_normal, keyed_uniform
from varlaw.impl.torch.model import initialise
from varlaw.impl.torch.norm_gradients import (
    NormGradients,
    batch_norm_backward,
    group_norm_backward,
    instance_norm_backward,
    layer_norm_backward,
    rms_norm_backward,
)
from varlaw.impl.torch.norms import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from varlaw.impl.torch.rules import Initialised, Rule
from varlaw.impl.torch.structured import delta_orthogonal, dirac, gated_orthogonal, identity, sparse
from varlaw.impl.torch.weights import weight_norm, weight_norm_backward, weight_standardise, weight_standardise_backward

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
