# tensorflow-clip-overflow-float16
# In float16 clip_by_norm turns a gradient of norm 400 into zeros
import tensorflow as tf

gradient = tf.constant([400.0, 0.0], tf.float16)
print(tf.clip_by_norm(gradient, 1.0).numpy())
# [0. 0.]
