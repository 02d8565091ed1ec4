# timm-agc-floor
# Adaptive clipping divides by a norm of at least 1e-6: what is smaller is shrunk far below the limit
import torch
from timm.utils import adaptive_clip_grad

p = torch.nn.Parameter(torch.tensor([1e-3, 0.0]))
p.grad = torch.tensor([6e-8, 8e-8])
adaptive_clip_grad(p, clip_factor=1e-5)
print(f"norm 1e-07, limit 1e-08, after clipping {float(p.grad.norm()):.0e}")
# norm 1e-07, limit 1e-08, after clipping 1e-09
