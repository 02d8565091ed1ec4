"""tinygrad.nn: the default initialisation of every layer that has parameters.

The documentation of a layer is a link to torch's layer of that name, so torch's law is what it promises.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from varlaw.subjects.namespace import Make, Namespace, called, convolution
from varlaw.subjects.norm_rows import RUNNING
from varlaw.subjects.rows import AFFINE, ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler
from varlaw.subjects.tinygrad.framework import NO_HALF_CONSTANTS, TINYGRAD, UNSUPPORTED, parameters


def _nn() -> Any:
    import tinygrad.nn

    return tinygrad.nn


def _convolution(dims: int, transposed: bool) -> Make:
    """Conv2d is the class of every dimension from two on."""
    make = convolution(f"Conv{'Transpose' * transposed}{min(dims, 2)}d")

    def of_three(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return make(nn, {**c, "kernel_size": (c["kernel_size"],) * 3}, f)

    return of_three if dims == 3 else make


def _unsupported(laws: Iterable[str]) -> Mapping[str, str]:
    return NO_HALF_CONSTANTS if ZEROS in laws else UNSUPPORTED


NN = Namespace(
    of=TINYGRAD,
    name="tinygrad.nn",
    find=_nn,
    parameters=lambda layer, dtype: parameters(layer),
    running=lambda layer: [getattr(layer, n) for n in RUNNING if hasattr(layer, n)],
    conv=_convolution,
    unsupported=_unsupported,
)


def _linear() -> Sampler:
    law, sizes = "Uniform(1/sqrt(in_features))", ("in_features", "out_features")
    tensors = {"weight": law, "bias": law}
    return NN.layer("Linear", "linear", called("Linear", *sizes), tensors, inputs=sizes[:1], layout="torch.linear")


def _conv(name: str, dims: int, law: str, op: str) -> Sampler:
    tensors, transposed = {"weight": law, "bias": law}, "transpose" in op
    return NN.convolution(name, op, tensors, dims, transposed=transposed, layout=f"torch.{op}")


_FEATURES = ("num_features",)
_HIDDEN = "Uniform(1/sqrt(hidden_size))"
_CELL = {"weight_ih": _HIDDEN, "weight_hh": _HIDDEN, "bias_ih": ZEROS, "bias_hh": ZEROS}
_WITH_STATISTICS = AFFINE | {"running_mean": ZEROS, "running_var": ONES}

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    *(_conv(f"Conv{d}d", d, f"Uniform(sqrt(groups/(in_channels*kernel_size**{d})))", f"conv{d}d") for d in (1, 2)),
    *(
        _conv(f"ConvTranspose{d}d", d, f"Uniform(sqrt(groups/(out_channels*kernel_size**{d})))", f"conv_transpose{d}d")
        for d in (1, 2)
    ),
    # torch's embedding is N(0, 1); here it is said in the source only, as glorot_uniform(vocab_size, embed_size).
    NN.simple("Embedding", "embedding", {"weight": "Normal(1)"}, "num_embeddings", "embedding_dim"),
    NN.simple("LSTMCell", "recurrent", _CELL, "input_size", "hidden_size"),
    *(NN.simple(n, "features", _WITH_STATISTICS, *_FEATURES) for n in ("BatchNorm", "BatchNorm2d", "BatchNorm3d")),
    *(NN.simple(n, "features", AFFINE, *_FEATURES) for n in ("InstanceNorm", "LayerNorm", "LayerNorm2d")),
    NN.layer("GroupNorm", "features", lambda nn, c, f: nn.GroupNorm(1, c["num_features"]), AFFINE),
    NN.simple("RMSNorm", "features", {"weight": ONES}, *_FEATURES),
)
