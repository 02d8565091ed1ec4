# keras-recurrent-dropout-all
# A recurrent dropout of 1 is none (torch backend)
import keras
import numpy as np

x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
for rate in (0.0, 1.0):
    layer = keras.layers.LSTM(5, recurrent_dropout=rate, kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    layer.build(x.shape)
    layer.cell.recurrent_kernel.assign(np.eye(5, 20))
    print(rate, round(float(keras.ops.sum(layer(x, training=True))), 5))
# 0.0 0.04553
# 1.0 0.04553
