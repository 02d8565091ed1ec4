# torch-sparse-adam-eps
# SparseAdam adds eps before the correction of the second moment, Adam after it
import torch


def moved(optimiser: type[torch.optim.Adam | torch.optim.SparseAdam], gradient: torch.Tensor) -> float:
    w = torch.nn.Parameter(torch.zeros(1))
    w.grad = gradient
    optimiser([w], lr=1.0, eps=1e-8).step()
    return -w.item()


for g in (1.0, 1e-6, 1e-8, 1e-10):
    x = torch.tensor([g])
    adam, sparse = moved(torch.optim.Adam, x), moved(torch.optim.SparseAdam, x.to_sparse())
    print(f"g = {g:.0e}: Adam {adam:.4f}, SparseAdam {sparse:.4f}")
# g = 1e+00: Adam 1.0000, SparseAdam 1.0000
# g = 1e-06: Adam 0.9901, SparseAdam 0.7597
# g = 1e-08: Adam 0.5000, SparseAdam 0.0307
# g = 1e-10: Adam 0.0099, SparseAdam 0.0003
