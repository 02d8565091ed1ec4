# torch-transposed-default
# Transposed convolutions divide by the wrong fan
import torch

torch.manual_seed(0)
layer = torch.nn.ConvTranspose2d(256, 32, 3, bias=False)
y = layer(torch.randn(8, 256, 16, 16))[:, :, 2:-2, 2:-2]  # away from the border
print(f"rms of the output: {y.pow(2).mean().sqrt().item():.2f}, foreseen {(256 / (3 * 32)) ** 0.5:.2f}")
# rms of the output: 1.63, foreseen 1.63
