# torch-encoder-clones, torch-decoder-clones
# All layers of a stack start with the same weights
import torch
from torch import nn

encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, batch_first=True), 2)
decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(64, 4, batch_first=True), 2)
for stack in (encoder, decoder):
    first, second = stack.layers
    print(torch.equal(first.linear1.weight, second.linear1.weight))
# True
# True
