# torch-packed-qkv
# Packed attention weights have half the variance of separate ones
import torch

torch.manual_seed(0)
d = 512
packed = torch.nn.MultiheadAttention(d, 8).in_proj_weight  # (3 d, d)
apart = torch.nn.MultiheadAttention(d, 8, kdim=d, vdim=d + 1).q_proj_weight  # (d, d)
print(f"packed {packed.std().item() * d**0.5:.3f}, separate {apart.std().item() * d**0.5:.3f}")
# packed 0.707, separate 1.000
