# torch-clip-overflow-float16, torch-clip-shut-float16
# Clipping in float16: a norm of 1e5, and a limit of 0
import torch

p = torch.nn.Parameter(torch.zeros(100, dtype=torch.float16))
p.grad = torch.full((100,), 1e4, dtype=torch.float16)
print(torch.nn.utils.clip_grad_norm_([p], 1.0).item(), p.grad.abs().max().item())
p.grad = torch.zeros(100, dtype=torch.float16)
torch.nn.utils.clip_grad_norm_([p], 0.0)
print(p.grad.isnan().all().item())
# inf 0.0
# True
