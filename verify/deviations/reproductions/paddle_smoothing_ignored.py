# paddle-smoothing-ignored
# Label smoothing and an ignored label: 1/C of the loss
import paddle

z, y = paddle.zeros([4, 10]), paddle.to_tensor([1, 2, 4, 3])
for smoothing in (0.0, 0.1):
    loss = paddle.nn.functional.cross_entropy(z, y, ignore_index=3, label_smoothing=smoothing)
    print(smoothing, round(float(loss), 6))
# 0.0 2.302585
# 0.1 0.230258
