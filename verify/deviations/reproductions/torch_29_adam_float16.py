# torch-optimisers-float16
# One step of Adam makes NaN of float16 weights whose gradient is 0
import torch

for optimiser in (torch.optim.Adam, torch.optim.Adagrad, torch.optim.RMSprop):
    w = torch.nn.Parameter(torch.ones(3, dtype=torch.float16))
    w.grad = torch.tensor([0.0, 1e-4, 1.0], dtype=torch.float16)
    optimiser([w], lr=0.125).step()
    print(optimiser.__name__, w.tolist())
# Adam [nan, -inf, 0.875]
# Adagrad [nan, -inf, 0.875]
# RMSprop [nan, -inf, -0.24951171875]
