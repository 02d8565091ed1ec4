# paddle-adaptive-softmax-parameters
# The tails of AdaptiveLogSoftmaxWithLoss are no parameters
import paddle

layer = paddle.nn.AdaptiveLogSoftmaxWithLoss(64, 1000, cutoffs=[100, 500])
print("weights there:", 1 + sum(len(tail) for tail in layer.tail_weights), "parameters():", len(layer.parameters()))
# weights there: 5 parameters(): 1
