# tf-norm-one-plus
# A norm that multiplies by 1 + weight, and a weight that starts at 1
import torch
from transformers import NemotronConfig, NemotronModel

sizes = {"hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 2, "head_dim": 32, "num_key_value_heads": 2}
norm = NemotronModel(NemotronConfig(num_hidden_layers=1, vocab_size=100, **sizes)).norm
print("rms of what leaves the norm", round(float(norm(torch.randn(100, 64)).detach().square().mean().sqrt()), 2))
# rms of what leaves the norm 2.0
