# tensorflow-clip-sparse
# The global norm of IndexedSlices counts entries that are named twice apart
import tensorflow as tf

dense = tf.constant([3.0, 4.0])
sparse = tf.IndexedSlices(tf.constant([1.5, 2.0, 1.5, 2.0]), tf.constant([0, 1, 0, 1]), tf.constant([2]))
print(tf.linalg.global_norm([dense]).numpy())
# 5.0
print(tf.linalg.global_norm([sparse]).numpy())  # of the same gradient
# 3.535534
