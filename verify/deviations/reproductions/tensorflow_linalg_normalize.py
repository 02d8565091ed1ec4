# tensorflow-linalg-normalise-zero
# linalg.normalize of zeros
import tensorflow as tf

print(tf.linalg.normalize(tf.zeros(2))[0].numpy().tolist())
# [nan, nan]
