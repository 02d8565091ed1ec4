# torch-smoothing-float16
# A smoothed loss that overflows in float16
import torch

z, y = torch.zeros(30, 1000, dtype=torch.float16), torch.zeros(30, dtype=torch.long)
for smoothing in (0.0, 0.1):
    print(smoothing, torch.nn.functional.cross_entropy(z, y, label_smoothing=smoothing).item())
# 0.0 6.8984375
# 0.1 inf
