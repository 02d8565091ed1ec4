# keras-min-max-norm-overflow, keras-min-max-norm-inf
# MinMaxNorm of a unit whose norm is inf, or overflows: every weight becomes NaN, where MaxNorm gives 0
import keras
import numpy as np

for name in ("MinMaxNorm", "MaxNorm"):
    column = keras.ops.convert_to_tensor(np.array([[1e20], [1e20]], "float32"))
    print(name, keras.ops.convert_to_numpy(getattr(keras.constraints, name)()(column)).ravel().tolist())
# MinMaxNorm [nan, nan]
# MaxNorm [0.0, 0.0]
