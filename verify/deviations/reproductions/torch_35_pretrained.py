# torch-pretrained-padding
# from_pretrained leaves the padding row as it is
import torch

table = torch.ones(3, 2)
given = torch.nn.Embedding.from_pretrained(table, padding_idx=0)  # type: ignore[no-untyped-call]
print(given.weight[0].tolist())
print(torch.nn.Embedding(3, 2, padding_idx=0).weight[0].tolist())
# [1.0, 1.0]
# [0.0, 0.0]
