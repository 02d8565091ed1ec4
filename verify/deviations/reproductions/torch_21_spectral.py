# torch-spectral-norm-one-step, torch-spectral-norm-fifteen-steps, torch-spectral-norm-zero
# Spectral normalisation at the first forward pass
import torch

for function in (torch.nn.utils.spectral_norm, torch.nn.utils.parametrizations.spectral_norm):
    torch.manual_seed(0)
    layer = torch.nn.Linear(256, 128)
    torch.nn.init.normal_(layer.weight)
    function(layer)
    layer(torch.ones(1, 256))
    print(f"{torch.linalg.matrix_norm(layer.weight, 2).item():.2f}")
    zero = torch.nn.Linear(8, 4)
    torch.nn.init.zeros_(zero.weight)
    print(function(zero)(torch.ones(1, 8)).isnan().all().item())
# 1.39
# True
# 1.02
# True
