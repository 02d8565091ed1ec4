"""Writing what a recipe asks for into the parameters, or into the parts of them that this process holds."""

import math
from typing import Any

import torch

from varlaw.impl.keyed_streams import stream_key
from varlaw.impl.torch.backend import TORCH
from varlaw.impl.torch.parts import Box, meeting, sizes_of, written
from varlaw.impl.torch.pieces import Piece, Site
from varlaw.impl.torch.shards import local_part
from varlaw.impl.torch.streams import eager, rounded, working, write_

_STACKS = ("experts", "(experts, in, out)")


def write_pieces(site: Site, pieces: list[Piece], key: int) -> None:
    """Fill one parameter: the last piece first, since where pieces overlap the first one counts."""
    local, offset = local_part(site.parameter)
    here = tuple((first, first + size) for first, size in zip(offset, local.shape, strict=True))
    if all(piece.rule.law == "keep" for piece in pieces):
        return
    with torch.no_grad():
        before = local.clone() if len(pieces) > 1 and any(piece.rule.law == "keep" for piece in pieces) else local
        for piece in reversed(pieces):
            shared = meeting(piece.box, here)
            if shared is not None and piece.rule.law == "keep":
                _cut(local, shared, offset).copy_(_cut(before, shared, offset))
            elif shared is not None:
                _write(_cut(local, shared, offset), shared, site, piece, key)
        if local.ndim and eager():
            local.narrow(0, 0, 0).zero_()  # NumPy wrote behind torch's back: autograd and watchers are told


def _cut(values: torch.Tensor, box: Box, corner: tuple[int, ...]) -> torch.Tensor:
    """The view of a box on a tensor whose first element lies at `corner`."""
    for axis, ((first, end), start) in enumerate(zip(box, corner, strict=True)):
        values = values.narrow(axis, first - start, end - first)
    return values


def _write(target: torch.Tensor, box: Box, site: Site, piece: Piece, key: int) -> None:
    rule, law = piece.rule, piece.rule.law
    if law in ("constant", "zeros", "ones"):
        target.fill_({"constant": rule.value, "zeros": 0.0, "ones": 1.0}[law])
    elif law in ("orthogonal", "identity"):
        corner = tuple(first for first, _ in piece.box)
        make = _orthogonal if law == "orthogonal" else _identity
        write_(target, _cut(make(target, site, piece, key), box, corner))
    else:
        _draw(target, box, piece, key)
    for row in site.padding:
        first, end = box[0]
        if first <= row < end:
            target.narrow(0, row - first, 1).zero_()


def _draw(target: torch.Tensor, box: Box, piece: Piece, key: int) -> None:
    corner = tuple(first for first, _ in box)
    address: dict[str, Any] = {"key": key, "name": piece.done.name, "offset": corner, "within": piece.done.shape}
    if piece.rule.law == "log_uniform":
        _draw_log_uniform(target, piece, address)
    elif not _centre(piece):
        _draw_centred(target, piece, address)
    else:
        wide = torch.empty(target.shape, dtype=working(target.dtype), device=target.device)
        _draw_centred(wide, piece, address)
        write_(target, _kept(wide.add_(_centre(piece)), piece))


def _centre(piece: Piece) -> float:
    low, high = piece.rule.low, piece.rule.high
    return float(piece.rule.mean) if low is None or high is None else low / 2 + high / 2


def _kept(values: torch.Tensor, piece: Piece) -> torch.Tensor:
    """Within the bounds, where the rule names some: rounding may step out."""
    low, high = piece.rule.low, piece.rule.high
    if low is None or high is None:
        return values
    return values.clamp_(rounded(low, values.dtype), rounded(high, values.dtype))


def _draw_centred(target: torch.Tensor, piece: Piece, address: dict[str, Any]) -> None:
    std, shape = piece.done.std or 0.0, tuple(target.shape)
    if piece.rule.law == "uniform":
        TORCH.keyed_uniform(shape, math.sqrt(3) * std, **address, out=target)
    elif piece.rule.law == "normal" or std == 0:
        TORCH.keyed_normal(shape, std, **address, out=target)
    else:
        TORCH.keyed_truncated_normal(shape, std, std_of="result", bounds="sigmas", **address, out=target)


def _draw_log_uniform(target: torch.Tensor, piece: Piece, address: dict[str, Any]) -> None:
    """In float64 at any dtype: the logarithms spread over several units and the exponential stretches their errors."""
    low, high = float(piece.rule.low or 0.0), float(piece.rule.high or 0.0)
    least, most = math.log(low), math.log(high)
    logs = torch.empty(target.shape, dtype=torch.float64, device=target.device)
    TORCH.keyed_uniform(tuple(target.shape), (most - least) / 2, **address, out=logs)
    drawn = logs.add_(least / 2 + most / 2).exp_().clamp_(low, high)
    write_(target, drawn + torch.log(-torch.expm1(-drawn)) if piece.rule.softplus else drawn)


def _orthogonal(target: torch.Tensor, site: Site, piece: Piece, key: int) -> torch.Tensor:
    """All of the piece, on every process: its entries depend on one another."""
    shape = sizes_of(piece.box)
    stream = site.name if piece.done.part is None else site.name + written(piece.box)
    seed = stream_key(key, stream, "initialise")[0] >> 1
    made: dict[str, Any] = {"seed": seed, "dtype": target.dtype, "device": target.device}
    if piece.layout in _STACKS:
        matrices, count = (math.prod(shape[:-1]), shape[-1]), math.prod(shape[:-2])
        return TORCH.gated_orthogonal(matrices, count, piece.rule.gain, **made).reshape(shape)
    if piece.layout == "embedding":
        return TORCH.orthogonal((math.prod(shape[:-1]), shape[-1]), piece.rule.gain, **made).reshape(shape)
    return TORCH.orthogonal(shape, piece.rule.gain, **made)


def _identity(target: torch.Tensor, site: Site, piece: Piece, key: int) -> torch.Tensor:
    """An identity for each matrix of the piece; packed gates and projections are as many matrices."""
    shape, gain, role = sizes_of(piece.box), piece.rule.gain, site.role
    made: dict[str, Any] = {"dtype": target.dtype, "device": target.device}
    if len(shape) > 2 and piece.layout not in _STACKS and piece.layout != "embedding":
        own = role is not None and role.layout in ("conv", "conv_transpose")
        return TORCH.dirac(shape, gain, groups=role.groups if own and role is not None else piece.rule.groups, **made)
    packed = 1
    if role is not None and piece.done.part is None and piece.rule.layout is None and len(shape) == 2:
        packed = 3 if role.layout == "packed_qkv" else role.whole[0] // role.shape[0]
    matrix = TORCH.identity((shape[-2] // packed, shape[-1]), gain, **made)
    return matrix.repeat(packed, 1).expand(shape)
