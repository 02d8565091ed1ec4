# tinygrad-embedding, tinygrad-embedding-pooled
# The larger the vocabulary, the smaller an embedding starts
from tinygrad import Tensor, nn

Tensor.manual_seed(0)
for vocabulary in (100, 10_000):
    print(vocabulary, "rows: std", round(nn.Embedding(vocabulary, 32).weight.std().item(), 4))
# 100 rows: std 0.1231
# 10000 rows: std 0.0141
