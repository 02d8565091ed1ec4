# tensorflow-uniform-16-bit
# In bfloat16 tf.random.uniform has 128 values, and -1 is one of them
import tensorflow as tf

tf.random.set_seed(0)
u = tf.cast(tf.random.uniform([1_000_000], -1, 1, tf.bfloat16), tf.float32)
print(len(tf.unique(u).y), "values, mean", round(float(tf.reduce_mean(u)), 4), "ends", u.numpy().min(), u.numpy().max())
# 128 values, mean -0.0081 ends -1.0 0.984375
