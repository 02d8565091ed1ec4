# tinygrad-rms-norm-float32
# RMSNorm of a float64 tensor is that of its rounding to float32
from tinygrad import Tensor, dtypes, nn

x = Tensor([[0.1, 0.2]], dtype=dtypes.float64)
y = nn.RMSNorm(2, eps=0.0, elementwise_affine=False)(x)
print(y.dtype, "mean of y*y - 1:", y.square().mean().item() - 1)
# dtypes.double mean of y*y - 1: -2.0193001404322786e-07
