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
from varlaw.impl.torch.keyed import keyed_normal, keyed_uniform
from varlaw.impl.torch.norms import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from varlaw.impl.torch.structured import delta_orthogonal, dirac, gated_orthogonal, identity, sparse

__all__ = [
    "LAYOUTS",
    "Fans",
    "batch_norm",
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
