# tf-conv1d-linear tf-meta-conv1d tf-meta-conv1d-gpt
# initializer_range does nothing for a transposed linear layer, but in GPT-2
import torch
from transformers import GPT2Config, GPT2Model, ImageGPTConfig, ImageGPTModel

torch.manual_seed(0)
sizes = {"vocab_size": 100, "n_embd": 64, "n_head": 2, "n_layer": 1, "initializer_range": 0.1}
for kind, config in ((GPT2Model, GPT2Config), (ImageGPTModel, ImageGPTConfig)):
    weight = kind(config(**sizes)).h[0].attn.c_attn.weight.detach()
    print(kind.__name__, round(float(weight.std()), 2))
# GPT2Model 0.1
# ImageGPTModel 0.02
