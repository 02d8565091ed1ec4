# paddle-group-norm-gradient
# The gradient of group_norm without weight and bias leaves out the mean of dy
from typing import Any

import paddle

x = paddle.sin(paddle.arange(128, dtype="float64")).reshape([2, 4, 16])
dy = paddle.cos(paddle.arange(128, dtype="float64") ** 2).reshape([2, 4, 16])
x.stop_gradient = False
affine = {"weight": paddle.ones([4], dtype="float64"), "bias": paddle.zeros([4], dtype="float64")}


def mean_gradient(**given: Any) -> float:
    y = paddle.nn.functional.group_norm(x, 2, data_format="NCL", **given)
    return round(abs(float(paddle.grad(y, x, dy)[0][0, :2].mean())), 3)  # of the first group


print(mean_gradient(**affine))
# 0.0
print(mean_gradient())
# 0.236
