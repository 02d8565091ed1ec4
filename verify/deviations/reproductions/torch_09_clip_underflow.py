# torch-clip-norm-underflow
# The norm of small gradients is reported as 0
import torch

p = torch.nn.Parameter(torch.zeros(2))
p.grad = torch.tensor([3e-30, 4e-30])
print(torch.nn.utils.clip_grad_norm_([p], 1.0).item())
# 0.0
