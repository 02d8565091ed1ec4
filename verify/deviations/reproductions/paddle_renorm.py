# paddle-renorm-negative, paddle-renorm-inf
# renorm: a negative bound flips the sign of every row, and one infinite entry erases the others
import paddle

print(paddle.renorm(paddle.to_tensor([[3.0, 4.0]]), 2.0, 0, -1.0).tolist())
print(paddle.renorm(paddle.to_tensor([[1.0, float("inf")]]), 2.0, 0, 1.0)[0, 0].item())
# [[-0.6000000238418579, -0.800000011920929]]
# 0.0
