"""A torch module read as a whole model: the role of each parameter, its tensors, its norms run alone.

Shared by the frameworks whose models are torch modules. Roles follow from the type of the module that owns a parameter
and from the parameter's name and shape; what is left to guess gets the role "vector", which promises nothing.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from varlaw.subjects.subject import Parameter

Names = Callable[[Any, str], Mapping[str, Any]]

# A raw parameter that is a weight matrix, or a stack of them, by the last part of its name.
_MATRIX = re.compile(
    r"weights?|.*_proj(_weight)?|.*proj|w\d*|gate.*|.*kernel|.*_weights?|kernel|wi|wo|up|down|in_proj.*"
)


@contextmanager
def poisoned() -> Iterator[None]:
    """Fresh memory is filled with NaN (integers: the largest): a parameter left at torch.empty then shows."""
    import torch

    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


@contextmanager
def default_dtype(name: str) -> Iterator[None]:
    """torch's default dtype for what is built inside."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, name))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def tensors(model: Any) -> dict[str, Any]:
    """Every parameter and buffer by name, shared ones once, and the weight that a parametrisation computes."""
    found = {name: p.detach() for name, p in model.named_parameters()}
    found |= {name: b.detach() for name, b in model.named_buffers()}
    for name, module in _parametrised(model):
        found[f"{name}.weight"] = module.weight.detach()
    return {name: x for name, x in found.items() if x.numel()}


def parameters(model: Any, names: Names) -> dict[str, Parameter]:
    """The same names with their roles; `names(model, module's name)` is what a promise may speak of."""
    found: dict[str, Parameter] = {}
    seen: set[int] = set()
    padding = _padding_rows(model)
    for prefix, module in model.named_modules():
        known: Mapping[str, Any] | None = None
        for short, p in module._parameters.items():
            if p is None or id(p) in seen or not p.numel():
                continue
            seen.add(id(p))
            known = names(model, prefix) if known is None else known
            found[f"{prefix}.{short}".lstrip(".")] = _parameter(module, short, p, known, padding)
    for name, module in _parametrised(model):
        found[f"{name}.weight"] = _parameter(module, "weight", module.weight, names(model, name), {})
    for name, b in model.named_buffers():
        if b.numel():
            found[name] = Parameter(role="buffer", shape=tuple(b.shape))
    return found


def _parametrised(model: Any) -> list[tuple[str, Any]]:
    """Modules whose weight is computed from other parameters, as `weight_norm` does."""
    return [
        (name, m) for name, m in model.named_modules()
        if "weight" in getattr(m, "parametrizations", {}) or ("weight_g" in m._parameters and hasattr(m, "weight"))
    ]  # fmt: skip


def _padding_rows(model: Any) -> dict[int, tuple[int, ...]]:
    """By parameter, shared ones too: the row of an embedding that belongs to the padding token."""
    found: dict[int, tuple[int, ...]] = {}
    for module in model.modules():
        weight, index = module._parameters.get("weight"), getattr(module, "padding_idx", None)
        if weight is not None and isinstance(index, int) and "Embedding" in type(module).__name__:
            found[id(weight)] = (index % weight.shape[0],)
    return found


def _parameter(
    module: Any, short: str, p: Any, known: Mapping[str, Any], padding: Mapping[int, tuple[int, ...]]
) -> Parameter:
    role = role_of(module, short, p)
    fan_in, fan_out = _fans(module, p)
    groups = getattr(module, "groups", 1)
    groups = groups if isinstance(groups, int) else 1
    rows = padding.get(id(p), ())
    return Parameter(
        role=role, shape=tuple(p.shape), fan_in=fan_in, fan_out=fan_out, zero_rows=rows,
        names={**known, "fan_in": fan_in, "fan_out": fan_out, "groups": groups},
        stacked=role == "linear" and p.ndim == 3,
        intentional="an additive bias may start at zero" if role == "table" and "bias" in short else "",
    )  # fmt: skip


def role_of(module: Any, short: str, p: Any) -> str:
    """The role of one parameter, by the type of its module and by its own name and shape."""
    import torch

    nn, kind = torch.nn, type(module).__name__
    if isinstance(module, nn.utils.parametrize.ParametrizationList) or short in ("weight_g", "weight_v"):
        return "vector"  # the weight computed from it is judged in its place
    if "Norm" in kind and short in ("weight", "bias", "gamma", "beta"):
        return "bias" if short in ("bias", "beta") else "norm_scale"
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return "recurrent" if "weight" in short else "bias"
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return "table" if "Sinus" in kind else "embedding"
    if isinstance(module, nn.Linear | nn.Bilinear | nn.MultiheadAttention) or kind == "Conv1D":
        return "bias" if p.ndim == 1 else "linear"
    if isinstance(module, nn.modules.conv._ConvNd) and short != "gain":  # that of a standardised weight
        return "bias" if short == "bias" else "conv"
    return _raw(short, p)


def _raw(short: str, p: Any) -> str:
    """A parameter of a module of the framework's own."""
    if p.ndim <= 1:
        return "bias" if short == "bias" else "vector"
    if math.prod(p.shape) == max(p.shape) or short == "gain":
        return "vector"  # (1, 1, d): a token; (d, 1, 1): a scale
    if short.endswith("bias"):
        return "table"  # the biases of several experts, or of attention scores
    if _MATRIX.fullmatch(short) and "embed" not in short and "position" not in short:
        return "linear"
    return "table"


def _fans(module: Any, p: Any) -> tuple[float | None, float | None]:
    """The true fans of a weight, interior and at stride 1: groups count, axes are read as the module uses them."""
    if p.ndim < 2:
        return None, None
    receptive, groups = math.prod(p.shape[2:]), getattr(module, "groups", 1)
    if getattr(module, "transposed", False):
        return float(p.shape[0] // groups * receptive), float(p.shape[1] * receptive)
    if type(module).__name__ == "Conv1D":
        return float(p.shape[0]), float(p.shape[1])
    divided = groups if isinstance(groups, int) and p.ndim > 2 else 1
    return float(p.shape[1] * receptive), float(p.shape[0] // divided * receptive)


# -- norms run alone ---------------------------------------------------------------------------------------------------

_SCALE = 100.0


def norm_gains(model: Any, seed: int) -> dict[str, tuple[float, int]]:
    """By norm: the rms of its output on noise of rms 100, and how many numbers it normalises.

    Norms that need more than one input, or a shape that cannot be guessed from their weight, are not run.
    """
    import torch

    found: dict[str, tuple[float, int]] = {}
    generator = torch.Generator().manual_seed(seed)
    for name, module in model.named_modules():
        weight = module._parameters.get("weight")
        kind = type(module).__name__
        if (
            "Norm" not in kind
            or "Frozen" in kind
            or kind == "NoNorm"
            or weight is None
            or weight.ndim != 1
            or len(weight) < 8
        ):
            continue
        rms = _run(module, len(weight), weight.dtype, generator)
        if rms is not None:
            found[name] = rms, len(weight)
    return found


def _run(module: Any, d: int, dtype: Any, generator: Any) -> float | None:
    import torch

    for activation in ("act", "activation"):
        if isinstance(getattr(module, activation, None), torch.nn.Module):
            setattr(module, activation, torch.nn.Identity())  # a norm and its activation joined in one module
    for shape in _shapes(module, d):
        x = _SCALE * torch.randn(shape, generator=generator, dtype=torch.float32)
        try:
            with torch.no_grad():
                y = module.train()(x.to(dtype))
        except Exception:  # a norm of another signature: the next shape, or none
            continue
        if isinstance(y, torch.Tensor) and y.shape == x.shape:
            return float(y.double().square().mean().sqrt())
    return None


def _shapes(module: Any, d: int) -> tuple[tuple[int, ...], ...]:
    """Input shapes to try: a batch norm wants channels second, of as many dimensions as its name says."""
    kind = type(module).__name__
    if "1d" in kind:
        return ((8, d, 16),)
    if "3d" in kind:
        return ((8, d, 2, 4, 4),)
    if "2d" in kind or "BatchNorm" in kind or "GroupNorm" in kind:
        return ((8, d, 4, 4), (8, 4, 4, d))
    return ((2, 16, d), (4, 8, d, 3)) if d != 3 else ((2, 16, d),)
