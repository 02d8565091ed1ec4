# torch-complex-uniform
# Complex weights: the uniform initialisers give each part the variance of the whole, the normal ones half of it
import torch

for fill in (torch.nn.init.xavier_normal_, torch.nn.init.xavier_uniform_):
    torch.manual_seed(0)
    w = fill(torch.empty(1000, 1000, dtype=torch.complex64))
    print(fill.__name__, round(1000 * w.abs().square().mean().item(), 2))
# xavier_normal_ 1.0
# xavier_uniform_ 2.0
