# keras-batch-norm-empty
# An empty batch leaves NaN in the moving statistics for good
import keras
import numpy as np

norm = keras.layers.BatchNormalization()
norm(np.ones((4, 3), "float32"), training=True)
norm(np.ones((0, 3), "float32"), training=True)
print(np.array(keras.ops.convert_to_numpy(norm.moving_mean)).tolist())
# [nan, nan, nan]
