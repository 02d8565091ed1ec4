# keras-sparsemax
# sparsemax does not sum to 1
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

for x in ([-1.0, 0.0, 1.0], [0.0, 0.5, 1.0], [0.1, 0.2, 0.3, 0.4, 0.5]):
    p = keras.ops.convert_to_numpy(keras.activations.sparsemax(keras.ops.array([x]))[0])
    print(x, np.round(p, 2), round(float(p.sum()), 2))
# [-1.0, 0.0, 1.0] [0. 0. 1.] 1.0
# [0.0, 0.5, 1.0] [0.   0.   0.25] 0.25
# [0.1, 0.2, 0.3, 0.4, 0.5] [0. 0. 0. 0. 0.] 0.0
