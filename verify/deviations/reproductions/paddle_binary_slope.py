# paddle-binary-slope-zero
# The gradient of binary cross entropy has the wrong sign at a logit of 0
import paddle

for logit in (0.0, 1e-30):
    z = paddle.to_tensor([logit], stop_gradient=False)
    paddle.nn.functional.binary_cross_entropy_with_logits(z, paddle.to_tensor([0.0])).backward()
    print(logit, z.grad.item())
# 0.0 -0.5
# 1e-30 0.5
