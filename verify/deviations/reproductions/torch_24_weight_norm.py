# torch-weight-norm-zero
# weight_norm of a layer with a row of zeros, such as a pruned unit
import torch

layer = torch.nn.Linear(2, 2)
torch.nn.init.zeros_(layer.weight[0])
layer = torch.nn.utils.parametrizations.weight_norm(layer)
print(layer.weight[0].tolist())
# [nan, nan]
