"""What a parameter is to the layer that uses it: the meaning of its axes, where the module's type tells it.

A shape alone tells nothing: (8, 48, 64) may be a kernel or a stack of experts, and (48, 64) may have its inputs first
or last. Known are the weights of torch's own modules, parametrised, pruned or normalised ones included, and of
transformers' `Conv1D`, each only while it has the shape that the sizes of its module say.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch


class Role(NamedTuple):
    """How a layer uses a tensor of shape `whole`; `shape` is that of the one matrix or kernel whose fans count."""

    layout: str
    whole: tuple[int, ...]
    shape: tuple[int, ...]
    groups: int = 1
    stride: int | tuple[int, ...] = 1


Known: TypeAlias = Callable[[Any, str], Role | None]

EMBEDDINGS = (torch.nn.Embedding, torch.nn.EmbeddingBag)
_CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)
_RECURRENT = (torch.nn.RNNBase, torch.nn.RNNCellBase)
_GATES = (((torch.nn.LSTM, torch.nn.LSTMCell), "ifgo"), ((torch.nn.GRU, torch.nn.GRUCell), "rzn"))


def role_of(layer: torch.nn.Module, tensor: str, shape: tuple[int, ...]) -> Role | None:
    """The role of the tensor that `layer` knows by this name, or None where its type tells none.

    >>> role_of(torch.nn.Conv2d(4, 8, 3, groups=2), "weight", (8, 2, 3, 3)).layout
    'conv'
    >>> role_of(torch.nn.Module(), "weight", (8, 2, 3, 3)) is None
    True
    """
    name = tensor.removesuffix("_orig").removesuffix("_v")  # of pruning, spectral and weight norm as hooks
    for types, known in _KNOWN:
        if isinstance(layer, types):
            found = known(layer, name)
            return found if found is not None and found.whole == shape else None
    return _matrix("(in, out)", *shape) if _is_conv1d(layer) and name == "weight" and len(shape) == 2 else None


def parts_of(layer: torch.nn.Module, tensor: str) -> str:
    """The names, a letter each, of the equal parts that lie one below the other in a packed tensor, or nothing.

    >>> parts_of(torch.nn.LSTM(3, 4), "bias_ih_l0"), parts_of(torch.nn.Linear(3, 4), "weight")
    ('ifgo', '')
    """
    if isinstance(layer, torch.nn.MultiheadAttention):
        return "qkv" if tensor in ("in_proj_weight", "in_proj_bias") else ""
    if not isinstance(layer, _RECURRENT) or not tensor.startswith(("weight_ih", "weight_hh", "bias_ih", "bias_hh")):
        return ""
    return next((gates for types, gates in _GATES if isinstance(layer, types)), "")


def _matrix(layout: str, *shape: int) -> Role:
    return Role(layout, shape, shape)


def _linear(layer: torch.nn.Linear, name: str) -> Role | None:
    return _matrix("dense", layer.out_features, layer.in_features) if name == "weight" else None


def _embedding(layer: torch.nn.Embedding, name: str) -> Role | None:
    return _matrix("embedding", layer.num_embeddings, layer.embedding_dim) if name == "weight" else None


def _bilinear(layer: torch.nn.Bilinear, name: str) -> Role | None:
    return _matrix("bilinear", layer.out_features, layer.in1_features, layer.in2_features) if name == "weight" else None


def _convolution(layer: Any, name: str) -> Role | None:
    if name != "weight":
        return None
    layout, first, second = "conv", layer.out_channels, layer.in_channels
    if isinstance(layer, _TRANSPOSED):
        layout, first, second = "conv_transpose", second, first
    shape = (first, second // layer.groups, *layer.kernel_size)
    return Role(layout, shape, shape, layer.groups, layer.stride)


def _attention(layer: torch.nn.MultiheadAttention, name: str) -> Role | None:
    width = layer.embed_dim
    if name == "in_proj_weight":
        return _matrix("packed_qkv", 3 * width, width)
    inputs = {"q_proj_weight": width, "k_proj_weight": layer.kdim, "v_proj_weight": layer.vdim}.get(name)
    return None if inputs is None else _matrix("dense", width, inputs)


def _recurrent(layer: Any, name: str) -> Role | None:
    """The gates lie one below the other; one output is one gate's."""
    kind, _, rest = name.partition("_l")
    hidden, projected = layer.hidden_size, getattr(layer, "proj_size", 0)
    if kind == "weight_hr":
        return _matrix("dense", projected, hidden)
    if kind not in ("weight_ih", "weight_hh"):
        return None
    inputs = projected or hidden
    if kind == "weight_ih":
        deeper = inputs * (2 if getattr(layer, "bidirectional", False) else 1)
        inputs = layer.input_size if rest.removesuffix("_reverse") in ("", "0") else deeper
    return Role("dense", (hidden * max(len(parts_of(layer, name)), 1), inputs), (hidden, inputs))


def _is_conv1d(layer: torch.nn.Module) -> bool:
    """Whether a layer is transformers' `Conv1D`, a dense layer that keeps its weight as (in, out)."""
    kinds = type(layer).__mro__
    return any(kind.__name__ == "Conv1D" and kind.__module__.startswith("transformers.") for kind in kinds)


_KNOWN: tuple[tuple[tuple[type[torch.nn.Module], ...], Known], ...] = (
    ((torch.nn.Linear,), _linear),
    ((*_CONVOLUTIONS, *_TRANSPOSED), _convolution),
    (EMBEDDINGS, _embedding),
    ((torch.nn.Bilinear,), _bilinear),
    ((torch.nn.MultiheadAttention,), _attention),
    (_RECURRENT, _recurrent),
)
