# tinygrad-glorot-fan-out
# The fan_out of Tensor.glorot_uniform leaves the taps of the kernel out
from tinygrad import Tensor

Tensor.manual_seed(0)
std = Tensor.glorot_uniform(64, 64, 3, 3).std().item()
print(f"std: {std:.4f}; sqrt(2/(fan_in + fan_out)) is {(2 / (576 + 576)) ** 0.5:.4f}")
# std: 0.0558; sqrt(2/(fan_in + fan_out)) is 0.0417
