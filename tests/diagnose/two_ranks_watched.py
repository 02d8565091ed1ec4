"""Two gloo processes that train one model, watched: the same weights as without, a file each, and no waiting.

Run by test_watch_setups as a script of its own; prints one line a rank.
"""

import contextlib
import os
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

import varlaw


def train(kind: str, rank: int, path: str | None) -> tuple[list[torch.Tensor], object]:
    torch.manual_seed(0)
    model: nn.Module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    if kind == "ddp":
        model = DistributedDataParallel(model)
    else:
        fully_shard(model[0])
        fully_shard(model[2])
        fully_shard(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    run = varlaw.watch(model, optimizer, every=7, out=path) if path else contextlib.nullcontext()
    generator = torch.Generator().manual_seed(rank)
    with run:
        for _ in range(30):
            x = torch.randn(16, 8, generator=generator)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), x[:, :4].argmax(1))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            if path:
                run.step(loss)
    whole = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in model.parameters()]
    return [p.detach() for p in whole], run


def main(rank: int, kind: str, port: str, path: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    dist.init_process_group("gloo", rank=rank, world_size=2)
    watched, run = train(kind, rank, path)
    bare, _ = train(kind, rank, None)
    same = all(torch.equal(a, b) for a, b in zip(watched, bare, strict=True))
    found = [f.signal for f in run.findings]
    os.write(1, f"rank {rank}: {run.report().record.draws} steps, {found}, same {same}\n".encode())
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(main, args=tuple(sys.argv[1:4]), nprocs=2)
