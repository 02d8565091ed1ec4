# tf-zero-positions
# A class token that is zero and stands at a position of zeros
import torch
from transformers import FlavaImageConfig, FlavaImageModel

model = FlavaImageModel(FlavaImageConfig(num_hidden_layers=1))  # layer_norm_eps=1e-12
tokens = model.embeddings
print("largest entry:", float(tokens.cls_token.detach().abs().max() + tokens.position_embeddings.detach().abs().max()))
output = model(torch.randn(2, 3, 224, 224)).last_hidden_state[:, 0]
output.backward(torch.randn_like(output))
print(f"gradient of the class token: {tokens.cls_token.grad.norm():.0e}")  # the norm in front divides by sqrt(1e-12)
print(f"of the last map: {model.encoder.layer[0].output.dense.weight.grad.norm():.0e}")
# largest entry: 0.0
# gradient of the class token: 2e+07
# of the last map: 2e+03
