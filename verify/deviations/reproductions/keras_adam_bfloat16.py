# keras-adam-bfloat16
# Adam never moves weights of bfloat16
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

for dtype, beta in (("float32", 0.999), ("bfloat16", 0.999), ("bfloat16", 0.99)):
    w = keras.Variable(np.zeros(3), dtype=dtype)
    adam = keras.optimizers.Adam(0.125, beta_2=beta)
    for _ in range(10):
        adam.apply([keras.ops.ones(3, dtype)], [w])
    print(dtype, beta, np.round(keras.ops.convert_to_numpy(keras.ops.cast(w.value, "float32")), 1))
# float32 0.999 [-1.2 -1.2 -1.2]
# bfloat16 0.999 [0. 0. 0.]
# bfloat16 0.99 [-1.3 -1.3 -1.3]
