# tf-lecun-normal tf-lecun-normal-pooled tf-videoprism-linear tf-videoprism-conv tf-videoprism-positions
# LeCun's law, widened for a truncation that does not happen
import torch
from transformers import initialization

torch.manual_seed(0)
w = initialization.lecun_normal_(torch.empty(1000, 1000)) * 1000**0.5
print("std", round(float(w.std()), 3), "the largest", round(float(w.abs().max()), 1))
# std 1.137 the largest 5.4
