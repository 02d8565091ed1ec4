# mlx-bilinear-default
# Bilinear leaves out the second input
import mlx.core as mx
import mlx.nn as nn

mx.random.seed(0)
layer = nn.Bilinear(64, 64, 256)
y = layer(mx.random.normal((1000, 64)), mx.random.normal((1000, 64)))
print("std of the output for inputs of std 1:", round(mx.std(y).item(), 1))
# std of the output for inputs of std 1: 4.7
