"""What a rank holds while its half of a bfloat16 model, made on meta, gets its values: `two_ranks_memory.py STORE`."""

import sys
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

from varlaw.impl.torch import Rule, initialise

SIDE, LAYERS = 4096, 3
RECIPE = [Rule("0.weight", "normal"), Rule("1.weight", "uniform"), Rule("*", "truncated_normal")]
TENSOR = SIDE * SIDE * 2  # bytes
SHARD = LAYERS * TENSOR // 2


def build(side, layers, mesh, device="meta"):
    model = nn.Sequential(
        *(nn.Linear(side, side, bias=False, dtype=torch.bfloat16, device=device) for _ in range(layers))
    )
    for layer in model if mesh is not None else ():
        layer.weight = nn.Parameter(distribute_tensor(layer.weight.detach(), mesh, [Shard(0)]))
    return model


def held(line):
    """Bytes of this process, now ("VmRSS") or at most ("VmHWM")."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(entry.split()[1] for entry in status if entry.startswith(line)))


def main(rank, store):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    initialise(build(64, LAYERS, mesh).to_empty(device="cpu"), RECIPE, key=9)  # loads what is loaded once
    model = build(SIDE, LAYERS, mesh)
    before = held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what is held now
    initialise(model.to_empty(device="cpu"), RECIPE, key=9)
    most = held("VmHWM") - before
    plain = build(SIDE, 1, None, device="cpu")
    initialise(plain, RECIPE[:1], key=9)
    half = slice(rank * SIDE // 2, (rank + 1) * SIDE // 2)
    assert torch.equal(model[0].weight.to_local(), plain[0].weight[half])
    assert most <= SHARD + TENSOR, f"{most / 2**20:.0f} MiB held, {(SHARD + TENSOR) / 2**20:.0f} allowed"
    print(f"rank {rank}: {most / SHARD:.2f} shards")
    dist.barrier()  # no rank leaves while another still listens to it
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(main, args=(sys.argv[1],), nprocs=2)
    print("held")
