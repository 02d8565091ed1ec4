# tinygrad-conv-groups
# A depthwise convolution starts with a bound too small by the root of the number of groups
from tinygrad import Tensor, nn

Tensor.manual_seed(0)
largest = nn.Conv2d(64, 64, 3, groups=64).weight.abs().max().item()
print(f"largest weight: {largest:.3f}; torch's bound 1/sqrt(fan_in) with the fan_in of 9 is {1 / 3:.3f}")
# largest weight: 0.042; torch's bound 1/sqrt(fan_in) with the fan_in of 9 is 0.333
