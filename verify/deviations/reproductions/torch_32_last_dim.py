# torch-weight-norm-last-dim
# weight_norm(dim=-1) is no axis, but the whole tensor
import torch

for dim in (1, -1):
    layer = torch.nn.Linear(2, 3, bias=False)
    torch.nn.init.ones_(layer.weight)
    layer = torch.nn.utils.parametrizations.weight_norm(layer, dim=dim)
    print(f"dim={dim}: {layer.parametrizations.weight.original0.numel()} lengths")
# dim=1: 2 lengths
# dim=-1: 1 lengths
