# keras-rms-scaling
# LayerNormalization(rms_scaling=True) divides by the standard deviation about a mean that it leaves in
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

layer = keras.layers.LayerNormalization(rms_scaling=True)
for row in ([5.0, 5.0, 5.0], [4.0, 5.0, 6.0], [-1.0, 0.0, 1.0]):
    x = np.array([row], "float32")
    y = keras.ops.convert_to_numpy(layer(x))
    print(f"{row}: root mean square {np.sqrt(np.mean(y**2)):.3f}")
# [5.0, 5.0, 5.0]: root mean square 158.114
# [4.0, 5.0, 6.0]: root mean square 6.200
# [-1.0, 0.0, 1.0]: root mean square 0.999
