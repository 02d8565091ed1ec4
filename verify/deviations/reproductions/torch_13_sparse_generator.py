# torch-sparse-generator
# Zeros that a generator does not decide
import torch

w, again = (
    torch.nn.init.sparse_(torch.empty(64, 16), 0.1, generator=torch.Generator().manual_seed(1)) for _ in range(2)
)
print("the same entries are zero:", bool(((w == 0) == (again == 0)).all()))
# the same entries are zero: False
