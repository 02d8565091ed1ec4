# keras-attention-seeded
# One seeded initialiser makes query, key and value equal
import keras
import numpy as np

layer = keras.layers.MultiHeadAttention(4, 16, kernel_initializer=keras.initializers.GlorotUniform(seed=1))
layer.build((None, 8, 64), (None, 8, 64))
weights = {
    w.path.split("/")[-2]: np.asarray(keras.ops.convert_to_numpy(w)) for w in layer.weights if w.name == "kernel"
}
print(np.array_equal(weights["query"], weights["key"]), np.array_equal(weights["query"], weights["value"]))
# True True
