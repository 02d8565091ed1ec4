# tf-batch-norm-drawn
# Batch norms whose scales are drawn about zero, like weights
import torch
from transformers import MobileViTConfig, MobileViTModel

torch.manual_seed(0)
scale = MobileViTModel(MobileViTConfig()).conv_stem.normalization.weight.detach()
print("mean", round(float(scale.mean()), 3), "std", round(float(scale.std()), 3), "instead of 1")
# mean 0.004 std 0.021 instead of 1
