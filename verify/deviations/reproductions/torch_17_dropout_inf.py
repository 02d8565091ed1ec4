# torch-dropout-inf
# What is dropped is not 0
import torch

torch.manual_seed(0)
print(torch.nn.functional.dropout(torch.full((4,), torch.inf), 0.5).tolist())
# [nan, nan, inf, nan]
