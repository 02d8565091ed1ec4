"""Two gloo ranks hold the parts of one model: `python two_ranks.py STORE` prints "equal" when they are as the whole."""

import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor

from varlaw.impl.torch import (
    Rule,
    clip_adaptive,
    clip_by_global_norm,
    clip_by_global_norm_,
    clip_by_value,
    clip_per_parameter,
    initialise,
)

PLACES = 64 * 2.0**-53  # sums of at most 90 terms in float64
RECIPE = [
    Rule("0.weight", "keep", part=(slice(None), 0)),
    Rule("0.weight", "orthogonal", part=(slice(1, 4), slice(1, 5))),
    Rule("0.weight", "log_uniform", low=0.1, high=1.0, part=-1),
    Rule("0.weight", "normal", mean=1.0),
    Rule("1.weight", "truncated_normal"),
    Rule("2.weight", "orthogonal"),
    Rule("*bias", "uniform", std=0.1),
]


def build():
    return nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 7), nn.Linear(7, 3))


def main(rank, store):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    torch.manual_seed(0)  # of what is kept
    plain = build()
    start = {name: value.clone() for name, value in plain.state_dict().items()}
    initialise(plain, RECIPE, key=9)
    for placement in (Shard(0), Shard(1), Replicate()):
        model = build()
        model.load_state_dict(start)
        model = placed(model, mesh, placement)
        initialise(model, RECIPE, key=9)
        for mine, other in zip(model.parameters(), plain.parameters(), strict=True):
            assert torch.equal(mine.full_tensor(), other), (placement, mine.shape)
        check_clipping(list(model.parameters()), list(plain.parameters()))
    check_edges(mesh)
    dist.barrier()  # no rank leaves while another still listens to it
    dist.destroy_process_group()


def placed(model, mesh, placement):
    """The model with its parameters spread over the ranks; a bias has no second axis to cut."""
    for layer in model:
        for name, parameter in list(layer.named_parameters()):
            place = Shard(0) if name == "bias" and placement == Shard(1) else placement
            layer.register_parameter(name, nn.Parameter(distribute_tensor(parameter.detach(), mesh, [place])))
    return model


def check_edges(mesh):
    """One row for two ranks, so that one of them has nothing, and squares that float64 cannot hold."""
    for size in (1.0, 1e200, 1e-200):
        for shape in ((1,), (1, 4), (3, 4)):
            whole = torch.linspace(1, 2, shape[0] * shape[-1], dtype=torch.float64).reshape(shape) * size
            part = distribute_tensor(whole, mesh, [Shard(0)])
            for found, wanted in (
                (clip_by_global_norm([part], 0.5 * size)[0][0], clip_by_global_norm([whole], 0.5 * size)[0][0]),
                (clip_adaptive([part], [part], 0.5, floor=0.0)[0], clip_adaptive([whole], [whole], 0.5, floor=0.0)[0]),
            ):
                assert (found.full_tensor() / size - wanted / size).abs().max() < PLACES


def check_clipping(parts, wholes):
    for policy in ("raise", "zero", "skip"):
        for limit in (0.5, 1e3):
            wanted, norm = clip_by_global_norm(wholes, limit, nonfinite=policy)
            found, same = clip_by_global_norm(parts, limit, nonfinite=policy)
            assert abs(float(same / norm) - 1) < PLACES
            check_equal(found, wanted)
    twice = [[x.detach() * 2 for x in leaves] for leaves in (parts, wholes)]
    check_equal(clip_adaptive(parts, twice[0], 0.1), clip_adaptive(wholes, twice[1], 0.1))
    check_equal(clip_per_parameter(parts, 0.2)[0], clip_per_parameter(wholes, 0.2)[0])
    check_equal(clip_by_value(parts, 0.1), clip_by_value(wholes, 0.1))
    copies = [nn.Parameter(part.detach().clone()) for part in parts]
    clip_by_global_norm_(copies, 0.5)
    check_equal(copies, clip_by_global_norm(wholes, 0.5)[0])


def check_equal(found, wanted):
    """To two roundings of float32."""
    for mine, other in zip(found, wanted, strict=True):
        assert (mine.full_tensor() - other).abs().max() <= 2**-22 * other.abs().max()


if __name__ == "__main__":
    mp.spawn(main, args=(sys.argv[1],), nprocs=2)
    print("equal")
