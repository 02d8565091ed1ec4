# torch-norm-overflow, torch-norm-overflow-nan
# Norms of large rows are 0 or NaN
import torch

x = torch.tensor([[1e20, -2e20, 3e20, 4e20]])
print(torch.nn.RMSNorm(4)(x).tolist())
print(torch.nn.LayerNorm(4)(x).tolist())
# [[0.0, -0.0, 0.0, 0.0]]
# [[nan, nan, nan, nan]]
