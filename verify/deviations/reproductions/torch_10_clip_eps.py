# torch-clip-eps, torch-clip-eps-again
# Clipping shrinks what is within the limit, and shrinks it again
import torch

p = torch.nn.Parameter(torch.zeros(2))
p.grad = torch.tensor([6e-9, 8e-9])  # norm 1e-8, the limit
torch.nn.utils.clip_grad_norm_([p], 1e-8)
print(f"{p.grad.norm().item():.2g}")
p.grad = torch.tensor([3.0, 4.0])
for _ in range(3):
    torch.nn.utils.clip_grad_norm_([p], 1e-6)
    print(f"{p.grad.norm().item():.2g}")
# 9.9e-11
# 1e-06
# 5e-07
# 3.3e-07
