# torch-divergence-log-zero, torch-binary-infinite
# A target of 0 in logarithms, and an infinite logit on its label's side, cost NaN
import torch
from torch.nn import functional as f

logs = torch.tensor([[0.5, 0.5]]).log()
print(f.kl_div(logs, torch.tensor([[0.0, 1.0]]), reduction="sum").item())
print(f.kl_div(logs, torch.tensor([[0.0, 1.0]]).log(), reduction="sum", log_target=True).item())
print(f.binary_cross_entropy_with_logits(torch.tensor([torch.inf]), torch.tensor([1.0])).item())
# 0.6931471824645996
# nan
# nan
