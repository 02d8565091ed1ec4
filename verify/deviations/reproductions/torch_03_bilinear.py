# torch-bilinear-default
# Bilinear leaves out its second input
import torch

torch.manual_seed(0)
layer = torch.nn.Bilinear(64, 32, 512, bias=False)
y = layer(torch.randn(1000, 64), torch.randn(1000, 32))
print(f"rms of the output: {y.pow(2).mean().sqrt().item():.1f}, foreseen {(32 / 3) ** 0.5:.1f}")
# rms of the output: 3.3, foreseen 3.3
