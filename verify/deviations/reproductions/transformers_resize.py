# tf-resized-rows tf-resized-rows-pooled
# New tokens "with the old embeddings' mean and covariance" are all the mean
import torch
from transformers import GPT2Config, GPT2Model

torch.manual_seed(0)
model = GPT2Model(GPT2Config(vocab_size=1000, n_embd=32, n_head=2, n_layer=1))
old = model.wte.weight.detach().std()
new = model.resize_token_embeddings(2000).weight[1000:].detach().std(dim=0).mean()
print(f"std over the new tokens, in that of the old: {float(new / old):.1e}")
# std over the new tokens, in that of the old: 3.2e-05
