# torch-batch-norm-16-bit
# Batch norm in 16 bits rounds the batch mean
import torch
from torch.nn.functional import batch_norm

torch.manual_seed(0)
x = (10 + torch.randn(64, 8)).bfloat16()
rounded = batch_norm(x, None, None, training=True)
kept = batch_norm(x, torch.zeros(8), torch.ones(8), training=True)  # float32 running statistics
for y in (rounded, kept):
    print(f"largest mean of an output channel: {y.double().mean(0).abs().max().item():.1g}")
# largest mean of an output channel: 0.03
# largest mean of an output channel: 0.0003
