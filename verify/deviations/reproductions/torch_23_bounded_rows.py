# torch-embedding-bound-negative, torch-renorm-eps, torch-renorm-inf
# Rows of bounded norm: a small bound is missed, one infinite entry erases the others, a negative bound turns them round
import torch

print(torch.renorm(torch.tensor([[2e-8, 0.0]]), 2, 0, 1e-8)[0, 0].item())
print(torch.renorm(torch.tensor([[1.0, torch.inf]]), 2, 0, 1.0)[0, 0].item())
table = torch.nn.Embedding(1, 2, max_norm=-1.0)
with torch.no_grad():
    table.weight.copy_(torch.tensor([[3.0, 4.0]]))
    print(table(torch.tensor([0])).tolist())
# 1.6666666935449825e-09
# 0.0
# [[-0.6000000238418579, -0.800000011920929]]
