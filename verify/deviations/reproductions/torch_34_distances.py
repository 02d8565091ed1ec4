# torch-divergence-mean, torch-binary-clamped, torch-pairwise-distance-eps
# The mean of a divergence is over classes too, log(1e-50) is -100, and a point is off itself
import torch
from torch.nn import functional as f

p, q = torch.tensor([[0.1, 0.2, 0.3, 0.4]]), torch.full((1, 4), 0.25)
one = torch.ones(1, 1)
print(f"{f.kl_div(q.log(), p, reduction='batchmean') / f.kl_div(q.log(), p, reduction='mean'):.1f}")
print(f.binary_cross_entropy(1e-50 * one.double(), one.double()).item())
print(f"{f.pairwise_distance(one, one).item():.3g}")
# 4.0
# 100.0
# 1e-06
