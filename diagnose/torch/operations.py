"""What an operation of torch is called, and which kind it is of: the table by which a pass is read."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import torch

# Kind: the names of its operations. A name stands in the first kind that has it.
_TABLE = """
linear: linear addmm mm matmul bmm baddbmm addbmm mv einsum tensordot bilinear conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d convolution
embedding: embedding embedding_bag
recurrent: lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell
norm: layer_norm batch_norm group_norm instance_norm rms_norm native_layer_norm native_batch_norm
softmax: softmax log_softmax softmin gumbel_softmax
activation: relu relu6 threshold hardtanh rrelu leaky_relu prelu gelu silu mish elu selu celu tanh sigmoid hardsigmoid
    hardswish softplus softsign tanhshrink logsigmoid hardshrink softshrink glu sin cos erf
attention: scaled_dot_product_attention flex_attention
dropout: dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout
loss: cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss
    huber_loss kl_div ctc_loss poisson_nll_loss gaussian_nll_loss cosine_embedding_loss hinge_embedding_loss
    margin_ranking_loss multi_margin_loss multilabel_margin_loss triplet_margin_loss soft_margin_loss
add: add sub radd rsub iadd isub
product: mul div rmul rdiv truediv rtruediv imul itruediv addcmul addcdiv
join: cat concat concatenate stack hstack vstack where index_put setitem scatter index_add index_copy
pool: avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
    adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d mean amax max lp_pool2d interpolate
detach: detach data
view: view reshape permute transpose swapaxes t T mT H mH contiguous to float half bfloat16 double type type_as
    unsqueeze squeeze flatten unflatten expand expand_as chunk split split_with_sizes tensor_split unbind getitem
    narrow select
    movedim moveaxis view_as clone real imag ravel cpu cuda requires_grad_ repeat_interleave roll pad unfold as_strided
    alias pin_memory index_select gather masked_select take_along_dim as_subclass iter flip
factory: new_empty new_zeros new_ones new_full new_tensor empty_like zeros_like ones_like full_like rand_like randn_like
    randint_like bernoulli bernoulli_ normal_ uniform_ zero_ fill_ exponential_
ignored: shape dtype device size dim numel ndim is_cuda layout requires_grad grad_fn stride is_contiguous item tolist
    len is_floating_point is_complex register_hook backward repr is_sparse is_leaf grad data_ptr storage_offset is_meta
    element_size nelement get_device is_nested is_quantized untyped_storage hash bool is_mkldnn names
"""


def _parsed(table: str) -> dict[str, str]:
    found: dict[str, str] = {}
    kind = ""
    for word in table.split():
        if word.endswith(":"):
            kind = word.removesuffix(":")
        else:
            found.setdefault(word, kind)
    return found


# `view`: the same numbers at other places, or in another format: whoever reads the graph looks through it.
# `factory`: new memory of the size of a signal, and nothing of it. `ignored`: returns no signal.
_KIND = _parsed(_TABLE)
CONVOLUTIONS = frozenset(name for name, kind in _KIND.items() if kind == "linear" and name.startswith("conv"))


def name_of(func: Any) -> str:
    """The plain name of a torch function: `__radd__`, `add_` and `add` are one.

    >>> name_of(torch.Tensor.add_), name_of(torch.Tensor.__rsub__), name_of(torch.nn.functional.cross_entropy)
    ('add', 'rsub', 'cross_entropy')
    """
    name = str(getattr(func, "__name__", func))
    if name == "__get__":
        return str(getattr(func.__self__, "__name__", name))
    if name.startswith("__") and name.endswith("__"):
        return name.strip("_")
    plain = name.lstrip("_")
    return plain if plain in _KIND else plain.rstrip("_")


def kind_of(op: str) -> str:
    """The kind of an operation by its plain name; "other" for what the table does not know."""
    return _KIND.get(op, "other")


def in_place(func: Any) -> bool:
    """Whether an operation writes to its first argument."""
    name = str(getattr(func, "__name__", ""))
    if name.startswith("__"):
        return name in ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__setitem__")
    return name.endswith("_") and not name.endswith("__")


def options(func: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of a call that are plain numbers, words or truth values, by name where the function has names."""
    named = dict(kwargs)
    try:
        bound = inspect.signature(func).bind(*args, **kwargs)
        bound.apply_defaults()
        named = dict(bound.arguments)
    except (TypeError, ValueError):
        named |= {f"argument_{i}": value for i, value in enumerate(args)}
    return {name: value for name, value in named.items() if _plain(value)}


def _plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_plain(v) for v in value)
    return value is None or isinstance(value, (bool, int, float, str))


def tensors_in(values: Any, depth: int = 3) -> list[torch.Tensor]:
    """The tensors of nested arguments, in order."""
    if isinstance(values, torch.Tensor):
        return [values]
    if depth and isinstance(values, Mapping):
        return [t for v in values.values() for t in tensors_in(v, depth - 1)]
    if depth and isinstance(values, (list, tuple)):
        return [t for v in values for t in tensors_in(v, depth - 1)]
    if depth and dataclasses.is_dataclass(values) and not isinstance(values, type):
        return tensors_in(vars(values), depth)
    return []
