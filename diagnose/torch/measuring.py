"""The numbers of a pass: second moments without waiting for the device, one linear map from its own input, units.

Every number is a 0-dim tensor until `Meter.read` reads all of them at once.
"""

import math
from collections.abc import Callable
from typing import Any

import torch

from varlaw.diagnose.records import Moments, Step, Units
from varlaw.diagnose.torch.operations import CONVOLUTIONS

_PART = 1 << 16  # entries
_ROWS = 128  # rows of the input whose independence is looked at: fewer make the band wider, never narrower


class Meter:
    """Numbers that are computed now and read later, together."""

    def __init__(self) -> None:
        self._numbers: list[torch.Tensor] = []
        self._sinks: list[tuple[Callable[..., None], int, int]] = []

    def later(self, sink: Callable[..., None], *numbers: torch.Tensor) -> None:
        """Calls `sink` with the numbers as floats when they are read."""
        self._sinks.append((sink, len(self._numbers), len(numbers)))
        self._numbers.extend(number.detach().double() for number in numbers)

    def read(self) -> None:
        """Reads every number, in one transfer for each device."""
        values = [math.nan] * len(self._numbers)
        places: dict[torch.device, list[int]] = {}
        for i, number in enumerate(self._numbers):
            if not number.is_meta:
                places.setdefault(number.device, []).append(i)
        for indices in places.values():
            for i, value in zip(indices, torch.stack([self._numbers[i] for i in indices]).tolist(), strict=True):
                values[i] = value
        for sink, start, count in self._sinks:
            sink(*values[start : start + count])
        self._numbers.clear()
        self._sinks.clear()


def whole(x: torch.Tensor) -> torch.Tensor:
    """A tensor with all its shards: every process gathers them."""
    x = x.detach()
    x = x if x.layout in (torch.strided, torch.jagged) else x.to_dense()
    gathered: torch.Tensor = x.full_tensor() if hasattr(x, "full_tensor") else x
    return gathered


def real(x: torch.Tensor) -> torch.Tensor:
    """A tensor as wide floats: squares of float16 leave its range from 256 on."""
    x = x.detach()
    if x.is_nested:
        x = x.values()
    if x.is_complex():
        x = torch.view_as_real(x)
    wide: torch.Tensor = x.float() if x.element_size() < 4 or not x.is_floating_point() else x
    return wide


def moments_of(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """E x^2 and E x of all entries."""
    x = real(x)
    norm = torch.linalg.vector_norm(x, dtype=torch.float64)  # squares of 2e19, or of a mask, leave float32
    return norm.square() / x.numel(), x.mean()


def part_moments(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of entries at equal steps, where there are more than 2^16."""
    flat = x.detach().reshape(-1) if x.is_contiguous() else x.detach().flatten()
    return moments_of(flat[:: max(1, flat.numel() // _PART | 1)])


def moments(second: float, mean: float, count: int) -> Moments:
    """A record of what `moments_of` gave."""
    return Moments(second=second, mean=mean, count=count, nonfinite=not math.isfinite(second))


def spread_of(x: torch.Tensor, rows: int) -> torch.Tensor:
    """Share of the second moment in which the rows of a batch differ: 1 for independent rows, 0 for equal ones."""
    x = real(x)
    mean = x.mean(dim=0)
    of_mean = torch.linalg.vector_norm(mean).double().square() / mean.numel()
    second = torch.linalg.vector_norm(x).double().square() / x.numel()
    share: torch.Tensor = (1 - of_mean / second) * rows / (rows - 1)
    return share


def kin_of(x: torch.Tensor, axis: int) -> tuple[torch.Tensor, ...]:
    """E[a b] of one unit in two rows, in two positions of one row, and in two positions of two rows; NaN without such.

    All pairs are counted, by sums over rows and positions.
    """
    x = real(x).movedim(axis, -1)
    x = x.reshape(x.shape[0], -1, x.shape[-1])
    rows, places, units = x.shape
    each, by_row, by_place, all_ = (t.double().square().sum() for t in (x, x.sum(1), x.sum(0), x.sum((0, 1))))
    pairs = rows * (rows - 1) * places, rows * places * (places - 1), rows * (rows - 1) * places * (places - 1)
    sums = by_place - each, by_row - each, all_ - by_row - by_place + each
    return tuple(s / (n * units if n else math.nan) for s, n in zip(sums, pairs, strict=True))


def kin(*given: float) -> tuple[float | None, ...]:
    """A record of what `kin_of` gave."""
    return tuple(None if math.isnan(x) else x for x in given)


def sides(x: torch.Tensor) -> tuple[int, ...]:
    """The shape in whole numbers: -1 for a jagged side, which is a symbol."""
    symbols: tuple[object, ...] = tuple(x.shape)
    return tuple(side if isinstance(side, int) else -1 for side in symbols)


def one_step(func: Any, op: str, args: list[Any], kwargs: dict[str, Any], weight: torch.Tensor) -> Any:
    """E y^2 of a linear map for independent zero-mean weights of the measured second moment: numbers for a `Step`.

    The map itself is run on (x^2, weights of ones), so padding, groups and strides are counted as they are; a plain
    linear map needs no ones.
    """
    x, parts = real(args[0]), 1
    if args[0].is_complex():  # of two products in each part of a complex one
        x, parts = x.flatten(-2), 2
    w2 = moments_of(weight)[0]
    if op == "linear" or (op in ("matmul", "mm") and weight.ndim == 2):
        through = moments_of(x)[0] * args[0].shape[-1] * parts
    else:
        ones = torch.ones_like(real(weight))
        squares = [x.square(), ones, *args[2:]]
        through = _without_bias(func, op, squares, kwargs).double().mean()
    return through * w2, w2, _effective(x, op)


def _without_bias(func: Any, op: str, args: list[Any], kwargs: dict[str, Any]) -> torch.Tensor:
    rest = {name: value for name, value in kwargs.items() if name != "bias"}
    if op in CONVOLUTIONS and len(args) > 2:
        args = [*args[:2], None, *args[3:]]
    result: torch.Tensor = func(*args, **rest)
    return result


def _effective(x: torch.Tensor, op: str) -> torch.Tensor:
    """(tr G)^2 / tr G^2 of the Gram matrix of at most 128 rows."""
    rows = x.movedim(1, -1).reshape(-1, x.shape[1]) if op in CONVOLUTIONS else x.reshape(-1, x.shape[-1])
    if len(rows) > _ROWS:
        rows = rows[torch.linspace(0, len(rows) - 1, _ROWS, device=rows.device).long()]
    rows = rows.double()
    gram = rows @ rows.T
    return gram.diagonal().sum().square() / gram.square().sum()


def step(expected: float, w2: float, effective: float, b2: float, units: int) -> Step:
    """A record of what `one_step` gave."""
    return Step(
        expected=expected + b2, weight_second=w2, bias_second=b2, effective_inputs=max(effective, 1.0), units=units
    )


def units_of(y: torch.Tensor, op: str, axis: int) -> tuple[int, torch.Tensor, torch.Tensor]:
    """Rows, which units are 0 on every row, and the share of entries that sit where nothing moves them."""
    y = real(y)
    flat = y.movedim(axis, -1).reshape(-1, y.shape[axis])
    return flat.shape[0], flat.abs().amax(dim=0) == 0, saturated(flat, op)


# Where the derivative falls to 2 % of its largest value, in the units of the output.
_ENDS = {"tanh": (-math.sqrt(0.98), math.sqrt(0.98)), "sigmoid": (0.005025, 0.994975), "softsign": (-0.858, 0.858)}


def saturated(y: torch.Tensor, op: str) -> torch.Tensor:
    """Share of the entries that sit where the activation's derivative is below 2 % of its largest."""
    if op not in _ENDS:
        return torch.zeros((), device=y.device)
    low, high = _ENDS[op]
    return ((y < low) | (y > high)).double().mean()


def units(count: int, rows: int, silent: float, saturated: float) -> Units:
    """A record of what `units_of` gave."""
    return Units(units=count, rows=rows, silent=round(silent), saturated=saturated)


def cosine_of(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Cosine of two tensors of one shape."""
    a, b = real(a).reshape(-1), real(b).reshape(-1)
    cosine: torch.Tensor = torch.dot(a, b) / (torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b))
    return cosine


# -- weights that add up to 1, and labels ------------------------------------------------------------------------------

_QUERIES = 64  # rows of an attention that are computed again


def attention_of(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """The weights of some queries of a scaled_dot_product_attention, whose arguments these are."""
    q, k = real(query), real(key)
    if enable_gqa:
        k = k.repeat_interleave(q.shape[-3] // k.shape[-3], dim=-3)
    chosen = torch.linspace(0, q.shape[-2] - 1, min(_QUERIES, q.shape[-2]), device=q.device).long()
    scores = q[..., chosen, :] @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        later = torch.arange(k.shape[-2], device=q.device) > chosen[:, None]
        scores = scores.masked_fill(later, -math.inf)
    if attn_mask is not None:
        mask = attn_mask if attn_mask.shape[-2] == 1 else attn_mask[..., chosen, :]
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1)


def concentration_of(weights: torch.Tensor) -> torch.Tensor:
    """Mean of (sum p^2 - 1/n) / (1 - 1/n) over the rows of weights with n > 1 that are not 0."""
    p = real(weights)
    n = (p != 0).sum(-1)
    even = 1 / n.clamp(min=2)
    share: torch.Tensor = ((p.square().sum(-1) - even) / (1 - even))[n > 1].mean()
    return share


def off_one(weights: torch.Tensor) -> tuple[torch.Tensor, float]:
    """How far sums along the last axis are from 1 at most, and how far rounding can bring them."""
    sums = real(weights).sum(-1)
    return (sums - 1).abs().max(), weights.shape[-1] * torch.finfo(weights.dtype).eps


def log_total(logs: torch.Tensor, axes: str) -> torch.Tensor:
    """The log of the sum of exp, in modulus, which is 0 for log probabilities: along the last axis, or the best one."""
    z = real(logs)
    over = [(-1,), *((i,) for i in range(z.ndim)), *(tuple(range(i, z.ndim)) for i in range(z.ndim - 1))]
    return torch.stack([z.logsumexp(along).abs().mean() for along in (over if axes == "any" else over[:1])]).min()


def shuffled(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, ignored: int
) -> tuple[torch.Tensor, ...]:
    """The cross entropy of these logits with the labels dealt anew to the rows, as a mean over all ways to deal.

    Beside it the mean square by which one label's logit leaves its class's mean, the labels that count, and the log of
    the sum of exp, which is 0 for log probabilities.
    """
    z = real(logits)
    z = z.movedim(1, -1).reshape(-1, z.shape[1]) if z.ndim > 1 else z[None]
    total = z.logsumexp(-1)
    if target.is_floating_point():
        t = target.movedim(1, -1).reshape(z.shape).to(z) if target.ndim > 1 else target[None].to(z)
        means = (t * z.mean(0)).sum(-1)
        return total.mean() - means.mean(), z.var(0, unbiased=False).mean(), z.new_tensor(len(z)), total.mean()
    t = target.reshape(-1)
    z, total, t = z[t != ignored], total[t != ignored], t[t != ignored]
    own = z.mean(0)[t]
    share = torch.full_like(own, 1 / max(1, len(t))) if weight is None else (w := real(weight)[t]) / w.sum()
    away = (z.gather(1, t[:, None])[:, 0] - own).square()
    return total.mean() - (share * own).sum(), (share * away).sum(), z.new_tensor(len(t)), total.mean()
