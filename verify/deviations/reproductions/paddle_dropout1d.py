# paddle-dropout1d-one-mask
# One mask of channels for the whole batch
import paddle

paddle.seed(0)
y = paddle.nn.functional.dropout1d(paddle.ones([6, 8, 5]), p=0.5)
dropped = (y == 0).all(axis=2).numpy()
print("channels dropped in each sample:", [row.nonzero()[0].tolist() for row in dropped])
# channels dropped in each sample: [[0, 1, 4, 5], [0, 1, 4, 5], [0, 1, 4, 5], [0, 1, 4, 5], [0, 1, 4, 5], [0, 1, 4, 5]]
