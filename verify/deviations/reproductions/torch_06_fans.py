# torch-kaiming-true-fan, torch-xavier-true-fan
# Fans are read off the shape, not off the layer
import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Conv2d(256, 256, 3, groups=256, bias=False)  # depthwise: 9 terms in, 9 out
nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
print(f"kaiming fan_out: {layer.weight.std().item() / (2 / 9) ** 0.5:.3f} of the std for a fan of 9")
nn.init.xavier_normal_(layer.weight)
print(f"xavier: {layer.weight.std().item() / (2 / (9 + 9)) ** 0.5:.3f} of the std for fans of 9")
# kaiming fan_out: 0.061 of the std for a fan of 9
# xavier: 0.090 of the std for fans of 9
