# torch-loss-bfloat16-sum
# The mean of equal losses is less than each of them
import torch

logits, labels = torch.zeros(65536, 10, dtype=torch.bfloat16), torch.zeros(65536, dtype=torch.long)
for reduction in ("mean", "none"):
    loss = torch.nn.functional.cross_entropy(logits, labels, reduction=reduction)
    print(loss.min().item(), loss.max().item())
# 2.265625 2.265625
# 2.296875 2.296875
