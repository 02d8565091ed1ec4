# torch-all-ignored
# Where every label is ignored the loss is NaN
import torch

print(torch.nn.functional.cross_entropy(torch.zeros(2, 4), torch.tensor([-100, -100])).item())
# nan
