# keras-rms-norm-scale-axis keras-torch-norm-axis
# Norms that are told their axis take the last one (torch backend)
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

x = np.random.default_rng(0).normal(3, 1, (2, 4, 4)).astype("float32")
y = keras.ops.convert_to_numpy(keras.layers.LayerNormalization(axis=1)(x))
first, last = (round(float(np.abs(y.mean(axis)).max()), 2) for axis in (1, 2))
print("mean along axis 1", first, "and along axis 2", last)

rms = keras.layers.RMSNormalization(axis=1)
before = keras.ops.convert_to_numpy(rms(x))
rms.scale.assign([1.0, 2.0, 3.0, 4.0])
print("scales along axis 1", (keras.ops.convert_to_numpy(rms(x)) / before)[0, :, 0])
# mean along axis 1 0.85 and along axis 2 0.0
# scales along axis 1 [1. 1. 1. 1.]
