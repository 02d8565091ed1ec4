# torch-clip-overflow, torch-clip-norm-overflow
# Clipping finite gradients gives zeros
import torch

p = torch.nn.Parameter(torch.zeros(2))
p.grad = torch.tensor([3e20, 4e20])
print(torch.nn.utils.clip_grad_norm_([p], 1.0).item(), p.grad.tolist())
# inf [0.0, 0.0]
