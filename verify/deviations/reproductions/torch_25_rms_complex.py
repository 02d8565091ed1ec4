# torch-rms-norm-complex
# RMS norm of complex numbers: the squares of 1 and i cancel, and entries of modulus 1 come out with modulus 1000
import torch

print(torch.nn.functional.rms_norm(torch.tensor([1.0, 1j]), [2], eps=1e-6).abs().max().item())
# 999.9999389648438
