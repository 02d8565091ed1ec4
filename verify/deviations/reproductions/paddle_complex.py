# paddle-complex-uniform
# Complex weights: the uniform initialisers give each part the variance of the whole, the normal ones half of it
import paddle

paddle.seed(0)
for init in (paddle.nn.initializer.XavierNormal(), paddle.nn.initializer.XavierUniform()):
    w = paddle.create_parameter([1000, 1000], "complex64", default_initializer=init).numpy()
    print(type(init).__name__, round(1000 * float((abs(w) ** 2).mean()), 1))
# XavierNormal 1.0
# XavierUniform 2.0
