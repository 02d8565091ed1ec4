# torch-seed-32-bits torch-seed-32-bits-related
# Seeds that differ by 2^32 give the same numbers
import torch

one, other = (torch.randn(4, generator=torch.Generator().manual_seed(s)) for s in (1, 1 + 2**32))
print(torch.equal(one, other))
# True
