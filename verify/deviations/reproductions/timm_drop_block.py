# timm-drop-block-rate, timm-drop-block-rate-all
# DropBlock drops more than it is asked for
import torch
from timm.layers import DropBlock2d

torch.manual_seed(0)
for p in (0.1, 1.0):
    y = DropBlock2d(p)(torch.ones(100_000, 1, 14, 14))
    print(p, round((y == 0).double().mean().item(), 3))
# 0.1 0.209
# 1.0 0.892
