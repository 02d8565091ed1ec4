# paddle-geometric-range, paddle-geometric-law
# geometric_ gives numbers that are not whole
import paddle

paddle.seed(0)
x = paddle.empty([5]).geometric_(0.3)
print([round(v, 4) for v in x.tolist()], "of a law on 1, 2, 3, ...")
# [3.2626, 5.7927, 0.5695, 1.8026, 3.705] of a law on 1, 2, 3, ...
