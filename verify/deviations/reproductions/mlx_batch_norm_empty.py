# mlx-batch-norm-empty
# An empty batch leaves NaN in the running statistics for good
import mlx.core as mx
import mlx.nn as nn

norm = nn.BatchNorm(3)
norm(mx.ones((0, 3)))
norm(mx.ones((4, 3)))
print(norm.running_mean.tolist(), norm.running_var.tolist())
# [nan, nan, nan] [nan, nan, nan]
