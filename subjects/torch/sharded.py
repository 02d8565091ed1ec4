"""torch DTensor and FSDP2 on two ranks of a CPU mesh: initialisers, dropout and clipping of tensors in parts.

The documentation of DTensor asks for one seed on all ranks and promises the numbers of a plain tensor, each rank with
its own part of them, and replicas that agree; the rows that hold that start every rank from the same seed. The rows
that hold the *law* of a sharded weight, with the fans of the whole, give each rank a seed of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.subjects.rows import drawn
from varlaw.subjects.subject import Array, Case, Clipper, Floats, Sampler, Sharded
from varlaw.subjects.torch import ranks
from varlaw.subjects.torch.framework import TORCH, dtype_of, floats, tensor

_HERE = "varlaw.subjects.torch.sharded"

# -- what runs on a rank -----------------------------------------------------------------------------------------------


def _placement(text: str) -> Any:
    from torch.distributed.tensor import Replicate, Shard

    return Replicate() if text == "Replicate()" else Shard(int(text[6]))


def _filled(mesh: Any, what: str, placement: str, case: Case, dtype: str) -> Any:
    """A DTensor of the case's shape, made by `what` from torch's global generator."""
    import torch
    from torch.distributed.tensor import distribute_tensor

    shape = (case["out_features"], case["in_features"])
    empty = torch.ones if what == "dropout" else torch.empty
    x = distribute_tensor(empty(shape, dtype=dtype_of(dtype)), mesh, [_placement(placement)])
    if what == "dropout":
        return torch.nn.functional.dropout(x, 0.5) - 1  # 1 or -1
    return getattr(torch.nn.init, what)(x)


def _fully_sharded(mesh: Any, case: Case, dtype: str) -> Any:
    """The weight of a Linear that FSDP2 shards on the meta device, filled by the layer's own initialisation."""
    import torch
    from torch.distributed.fsdp import fully_shard

    layer = torch.nn.Linear(case["in_features"], case["out_features"], dtype=dtype_of(dtype), device="meta")
    fully_shard(layer, mesh=mesh)
    layer.to_empty(device="cpu")
    layer.reset_parameters()
    return layer.weight.detach()


def _made(mesh: Any, what: str, placement: str, case: Case, dtype: str) -> Any:
    return _fully_sharded(mesh, case, dtype) if what == "Linear" else _filled(mesh, what, placement, case, dtype)


def part(
    mesh: Any, rank: int, what: str, placement: str, case: Case, dtype: str, seed: int
) -> tuple[Floats, Floats | None]:
    """This rank's part, drawn from one seed on all ranks; of the first rank the whole as well, which all have."""
    import torch

    with torch.no_grad():
        torch.manual_seed(seed)
        x = _made(mesh, what, placement, case, dtype)
        own, whole = x.to_local(), x.full_tensor()
        return floats(own), floats(whole) if rank == 0 else None


def wholes(
    mesh: Any, rank: int, what: str, placement: str, case: Case, dtype: str, seed: int, count: int
) -> list[Floats]:
    """`count` whole tensors, each rank drawing its parts from a seed of its own; the first rank hands them over."""
    import torch

    with torch.no_grad():
        torch.manual_seed(seed ^ rank)  # the CPU's generator reads the low 32 bits and no more
        found = [_made(mesh, what, placement, case, dtype).full_tensor() for _ in range(count)]
    return [floats(x) for x in found] if rank == 0 else []


def clipped(mesh: Any, rank: int, grads: Sequence[Floats], limit: float, dtype: str) -> tuple[list[Floats], float]:
    """This rank's parts of gradients that are sharded over the ranks and clipped, with the norm that was reported."""
    import torch
    from torch.distributed.tensor import DTensor

    parameters: list[Any] = []
    for g in grads:
        x: Any = torch.nn.Parameter(_part_of(torch.zeros(g.shape, dtype=dtype_of(dtype)), mesh, rank))
        x.grad = _part_of(tensor(g, dtype, "cpu"), mesh, rank)
        parameters.append(x)
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    value = norm.full_tensor() if isinstance(norm, DTensor) else norm
    return [floats(x.grad.to_local()) for x in parameters], float(value)


def _part_of(whole: Any, mesh: Any, rank: int) -> Any:
    """The DTensor that shards `whole`, which every rank has, without a word between the ranks."""
    from torch.distributed.tensor import DTensor, Shard

    parts = whole.chunk(ranks.WORLD)
    mine = parts[rank] if rank < len(parts) else whole[:0]
    kind = {"run_check": False, "shape": whole.shape, "stride": whole.stride()}
    return DTensor.from_local(mine.clone(), mesh, [Shard(0)], **kind)


# -- the rows ----------------------------------------------------------------------------------------------------------


def _plain(what: str, case: Case, dtype: str, seed: int) -> Floats:
    """The same tensor from the same seed without a mesh."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        if what == "Linear":
            return floats(torch.nn.Linear(case["in_features"], case["out_features"], dtype=dtype_of(dtype)).weight)
        x = torch.ones(case["out_features"], case["in_features"], dtype=dtype_of(dtype))
        return floats(torch.nn.functional.dropout(x, 0.5) - 1 if what == "dropout" else getattr(torch.nn.init, what)(x))


def _sharded(name: str, what: str, placement: str) -> Sharded:
    def apply(case: Case, dtype: str, device: str, seed: int) -> Mapping[str, Any]:
        found = ranks.call(f"{_HERE}:part", what, placement, dict(case), dtype, seed)
        return {"parts": [x for x, _ in found], "whole": found[0][1], "plain": _plain(what, case, dtype, seed)}

    return Sharded(
        name=f"torch.distributed.{name}", framework=TORCH, op="sharded", apply=apply,
        replicated=placement == "Replicate()",
    )  # fmt: skip


def _law(name: str, what: str, placement: str, documented: str) -> Sampler:
    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        done = block = 0
        while done < count:  # in blocks, each from a seed of its own: nobody may want all of them
            size = min(2**block, _BLOCK, count - done)
            found = ranks.call(f"{_HERE}:wholes", what, placement, dict(case), dtype, seed + 2 * block, size)[0]
            yield from ({"": whole} for whole in found)
            done, block = done + size, block + 1

    return drawn(TORCH, f"torch.distributed.{name}.whole", "sharded", draws, {"": documented})


def _clip(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
    answers = ranks.call(f"{_HERE}:clipped", [np.asarray(g) for g in grads], limit, dtype)
    parts = zip(*(found for found, _ in answers), strict=True)
    return [np.concatenate(both) for both in parts], answers[0][1]


_BLOCK = 64  # tensors in one message

_FILLS = ("normal_", "uniform_", "trunc_normal_", "kaiming_normal_", "xavier_uniform_")

SHARDED: tuple[Sharded, ...] = (
    *(_sharded(f"tensor.Shard(0).{what}", what, "Shard(0)") for what in (*_FILLS, "dropout")),
    _sharded("tensor.Shard(1).normal_", "normal_", "Shard(1)"),
    *(_sharded(f"tensor.Replicate().{what}", what, "Replicate()") for what in ("normal_", "uniform_", "dropout")),
    _sharded("fsdp.fully_shard.Linear", "Linear", "Shard(0)"),
)

LAWS: tuple[Sampler, ...] = (
    _law("tensor.Shard(0).kaiming_normal_", "kaiming_normal_", "Shard(0)", "he_normal(in_features)"),
    _law("tensor.Shard(1).kaiming_normal_", "kaiming_normal_", "Shard(1)", "he_normal(in_features)"),
    _law("tensor.Shard(0).xavier_uniform_", "xavier_uniform_", "Shard(0)", "glorot_uniform(in_features, out_features)"),
    _law("fsdp.fully_shard.Linear", "Linear", "Shard(0)", "Uniform(1/sqrt(in_features))"),
)

CLIPPERS: tuple[Clipper, ...] = (
    Clipper(name="torch.nn.utils.clip_grad_norm_(DTensor)", framework=TORCH, op="clip_sharded", apply=_clip),
)
