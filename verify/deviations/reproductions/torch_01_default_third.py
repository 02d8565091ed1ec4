# torch-default-third, torch-default-third-conv
# Default layers draw a third of the variance
import torch
from torch import nn

torch.manual_seed(0)
for layer, fan_in in ((nn.Linear(1024, 1024), 1024), (nn.Conv2d(64, 256, 3), 64 * 9)):
    print(f"{layer.weight.std().item() * fan_in**0.5:.3f} of the std that keeps the second moment")
# 0.577 of the std that keeps the second moment
# 0.578 of the std that keeps the second moment
