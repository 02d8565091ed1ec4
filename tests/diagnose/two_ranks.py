"""Two gloo processes with a sharded model: `check_model` sees its fans and its values as those of the whole.

Run by test_distributed as a script of its own; prints one line a rank.
"""

import os
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.fsdp import fully_shard

from varlaw import check_model


def model(broken: bool) -> nn.Module:
    found = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    for i in (0, 2, 4):
        nn.init.kaiming_normal_(found[i].weight, nonlinearity="relu")
    if broken:
        nn.init.normal_(found[2].weight, std=3 * (2 / 64) ** 0.5)
    for i in (0, 2, 4):
        fully_shard(found[i])
    return fully_shard(found)


def main(rank: int, port: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.manual_seed(0)
    x = torch.randn(64, 32)
    for broken in (False, True):
        report = check_model(model(broken), x, expect={"[024].weight": "he_normal(fan_in)"})
        wrong = [f.where[0] for f in report.findings if f.outcome == "VIOLATES"]
        line = f"rank {rank} broken {broken}: {wrong} {report.record.blind}\n"
        os.write(1, line.encode())  # at once: two processes write here
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(main, args=(sys.argv[1],), nprocs=2)
