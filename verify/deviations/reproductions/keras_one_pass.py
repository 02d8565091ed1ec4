# keras-torch-one-pass-batch
# A variance in one pass loses its digits (torch backend)
import keras
import numpy as np

x = np.float32(1000) + np.random.default_rng(0).normal(size=(4096, 1)).astype("float32")
y = keras.layers.BatchNormalization(epsilon=1e-5)(x, training=True)
print("std of the output:", round(float(keras.ops.convert_to_numpy(y).std()), 3))
# std of the output: 0.941
