# paddle-conv-groups
# A depthwise convolution starts with a variance too small by the number of groups
import paddle

paddle.seed(0)
conv = paddle.nn.Conv2D(64, 64, 3, groups=64)
std, wanted = float(conv.weight.std()), (2 / 9) ** 0.5
print(f"std of the weights: {std:.3f}; sqrt(2/fan_in) with the fan_in of 9 is {wanted:.3f}")
# std of the weights: 0.060; sqrt(2/fan_in) with the fan_in of 9 is 0.471
