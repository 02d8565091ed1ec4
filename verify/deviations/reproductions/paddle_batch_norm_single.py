# paddle-batch-norm-single
# A batch of one number comes back as it is
import paddle

print(paddle.nn.BatchNorm1D(3)(paddle.to_tensor([[3.0, -100.0, 7.0]])).tolist())
# [[3.0, -100.0, 7.0]]
