# keras-lamb-bfloat16 keras-jax-nadam-bfloat16
# Lamb never moves weights of bfloat16, Nadam makes NaN of them (jax backend)
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np

for dtype in ("float32", "bfloat16"):
    for kind in (keras.optimizers.Lamb, keras.optimizers.Nadam):
        w = keras.Variable(np.ones(3), dtype=dtype)
        kind(0.125).apply([keras.ops.ones(3, dtype)], [w])
        print(dtype, kind.__name__, np.round(keras.ops.convert_to_numpy(keras.ops.cast(w.value, "float32")), 2))
# float32 Lamb [0.88 0.88 0.88]
# float32 Nadam [0.87 0.87 0.87]
# bfloat16 Lamb [1. 1. 1.]
# bfloat16 Nadam [nan nan nan]
