# timm-trunc-normal-16-bit timm-far-entries-bfloat16-linear timm-far-entries-bfloat16-conv timm-loss-bfloat16
# In bfloat16 one weight in 520 starts at -100 sigma
import torch
from timm.layers import trunc_normal_

torch.manual_seed(0)
w = trunc_normal_(torch.empty(1000, 1000, dtype=torch.bfloat16), std=0.02).double()
print("std", round(float(w.std()), 3), "entries of -2:", round(100 * float((w == -2).double().mean()), 2), "%")
# std 0.09 entries of -2: 0.19 %
