# keras-rmsprop-eps
# RMSprop adds its epsilon under the root, where its documentation puts it behind
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

g, rho, eps = 1e-6, 0.9, 1e-7
w = keras.Variable(np.zeros(1), dtype="float32")
keras.optimizers.RMSprop(1.0, rho=rho, epsilon=eps).apply([keras.ops.convert_to_tensor(np.array([g], "float32"))], [w])
print(f"step {-float(w.value[0]):.3g}")
square = (1 - rho) * g * g
print(f"epsilon behind the root {g / (square**0.5 + eps):.3g}, under it {g / (square + eps) ** 0.5:.3g}")
# step 0.00316
# epsilon behind the root 2.4, under it 0.00316
