# keras-torch-truncated
# A truncated normal that is not always truncated (torch backend)
import keras

x = keras.ops.convert_to_numpy(keras.random.truncated_normal((5_000_000,), seed=0))
print("beyond two standard deviations:", int((abs(x) > 2).sum()), "the largest", round(float(abs(x).max()), 2))
# beyond two standard deviations: 25 the largest 2.82
